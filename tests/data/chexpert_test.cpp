#include "raw_download.hpp"

#include <mgca/data/sources/chexpert.hpp>

#include <set>

using mgca::DataProtocol;
using mgca::Leaks;
using mgca::PrepareOptions;
using mgca::Sex;
using mgca::Study;
using mgca::Subsets;
using mgca::View;
using mgca::data::prepare_chexpert;
using mgca::test::found;
using mgca::test::count_of;
using mgca::test::expect_refused;
using mgca::test::RawDownload;
using mgca::test::with;

namespace {

constexpr auto kChexpertHeader =
    "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung "
    "Lesion,Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,"
    "Pleural Effusion,Pleural Other,Fracture,Support Devices\n";

std::string padded(int number, std::size_t digits) {
  const auto text = std::to_string(number);
  return std::string(digits - text.size(), '0') + text;
}

// 223 training rows, one in five lateral, three rows per patient; 6 test rows, one lateral: a thousandth of the published tables.
struct Chexpert {
  RawDownload layout;
  std::string name, train, valid;

  explicit Chexpert(std::string folder_name = "CheXpert-v1.0", const std::string& folder = "CheXpert-v1.0/")
      : name(std::move(folder_name)), train(kChexpertHeader), valid(kChexpertHeader) {
    // No Finding, Enlarged, Cardiomegaly, Opacity, Lesion, Edema, Consolidation, Pneumonia, Atelectasis, Pneumothorax, Effusion, Other,
    // Fracture, Devices
    const std::vector<std::string> labels{"1.0,,,,,,,,,0.0,,,,1.0", ",,-1.0,1.0,,-1.0,-1.0,,-1.0,,-1.0,,1.0,",
                                          ",,1.0,,,,,,,,,,,",       ",,,,,1.0,,,,,,,,",
                                          ",,,,,,1.0,,,,,,,",       ",0.0,,,,0.0,,,1.0,,,,,",
                                          ",,,,,,,,,,1.0,,,",       ",,,-1.0,,,1.0,,,,,,,"};
    for (int i = 0; i < 223; ++i) {
      const bool lateral = i % 5 == 4;
      const auto below = "train/patient" + padded(i / 3 + 1, 5) + "/study" + std::to_string(i % 3 + 1) + "/view1_" +
                         (lateral ? "lateral" : "frontal") + ".jpg";
      train += name + "/" + below + (i % 2 == 0 ? ",Female," : ",Male,") + std::to_string(40 + i % 40) +
               (lateral      ? ",Lateral,,"
                : i % 3 == 0 ? ",Frontal,PA,"
                             : ",Frontal,AP,") +
               labels[static_cast<std::size_t>(i) % labels.size()] + "\n";
      layout.picture(folder + below);
    }
    for (int i = 0; i < 6; ++i) {
      const auto below = "valid/patient" + std::to_string(64541 + i) + "/study1/view1_" + (i == 5 ? "lateral" : "frontal") + ".jpg";
      valid += name + "/" + below + ",Male,73," + (i == 5 ? "Lateral," : "Frontal,AP") +
               ",0.0,1.0,1.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0\n";
      layout.picture(folder + below);
    }
    write(folder);
  }
  void write(const std::string& folder = "CheXpert-v1.0/") const {
    layout.write(folder + "train.csv", train);
    layout.write(folder + "valid.csv", valid);
  }
  [[nodiscard]] mgca::Prepared prepared(const PrepareOptions& options = {}) const {
    auto raw = layout.raw();
    return prepare_chexpert(raw, options);
  }
};

// Read only, for its 229 pictures take time.
const Chexpert& shared_folder() {
  static const Chexpert chexpert;
  return chexpert;
}

std::set<std::string> images(const std::vector<Study>& studies, const std::string& split) {
  std::set<std::string> all;
  for (const auto& study : studies) {
    if (study.split == split) all.insert(study.image.generic_string());
  }
  return all;
}

}  // namespace

TEST_CASE("chexpert: the split of the published table has 5,000 rows for validation and 217,414 for training", "[data][fast]") {
  std::vector<std::int64_t> rest;  // 223,414 rows without 1,000
  for (std::int64_t i = 0; i < 223'414; ++i) {
    if (i % 223 != 7 || i > 223'000) rest.push_back(i);
  }
  REQUIRE(rest.size() == 222'414);
  const auto repaired = mgca::data::chexpert_split(rest, 5000, Leaks::repaired),
             leaky = mgca::data::chexpert_split(rest, 5000, Leaks::as_published);
  CHECK(repaired.valid.size() == 5000);
  CHECK(repaired.valid == leaky.valid);
  for (const std::size_t position : {141'442U, 92'045U, 90'106U, 76'454U}) {
    CHECK(std::binary_search(repaired.valid.begin(), repaired.valid.end(), rest[position]));
  }
  const auto shared = [](const mgca::data::ChexpertSplit& split) {
    std::vector<std::int64_t> both;
    std::set_intersection(split.train.begin(), split.train.end(), split.valid.begin(), split.valid.end(), std::back_inserter(both));
    return both.size();
  };
  CHECK(repaired.train.size() == 217'414);
  CHECK(shared(repaired) == 0);
  CHECK(leaky.train.size() > 217'414);
  CHECK(leaky.train.size() < 217'500);
  CHECK(shared(leaky) > 4800);
  expect_refused([] { (void)mgca::data::chexpert_split({1, 2}, 2, Leaks::repaired); }, {"chexpert", "2 rows", "2 for validation"});
}

TEST_CASE("chexpert: the leak of the released code takes drawn positions for row numbers", "[data][fast]") {
  using Rows = std::vector<std::int64_t>;
  const Rows rows{0, 2, 3, 4, 5, 6, 7, 8, 9, 10};  // row 1 was set aside; numpy draws the positions 2 and 8
  const auto repaired = mgca::data::chexpert_split(rows, 2, Leaks::repaired),
             leaky = mgca::data::chexpert_split(rows, 2, Leaks::as_published);
  CHECK(repaired.valid == Rows{3, 9});
  CHECK(repaired.train == Rows{0, 2, 4, 5, 6, 7, 8, 10});
  CHECK(leaky.valid == Rows{3, 9});
  CHECK(leaky.train == Rows{0, 3, 4, 5, 6, 7, 9, 10});
}

TEST_CASE("chexpert: frontal rows of a small folder are split, the 5x200 set is kept aside, every count is told", "[data][fast]") {
  const auto& chexpert = shared_folder();
  const auto set = chexpert.prepared();
  CHECK(set.name == "chexpert");
  CHECK_FALSE(set.has_reports);
  CHECK(set.label_names.size() == 14);
  CHECK(count_of(set.studies, "test") == 5);
  CHECK(count_of(set.studies, "5x200") == 5);
  CHECK(count_of(set.studies, "train") + count_of(set.studies, "valid") == 179 - 5);
  CHECK(found(set, "frontal rows of train") == 179);
  CHECK(found(set, "rows of train") == 223);
  CHECK(found(set, "patients of train") == 75);
  CHECK(found(set, "frontal rows of valid") == 5);
  CHECK(found(set, "5x200") == 5);
  CHECK(found(set, "validation rows") == 5);
  CHECK(found(set, "training rows") == 213);
  REQUIRE(set.dropped.size() == 1);
  CHECK(set.dropped[0] == mgca::DroppedRows{"not a frontal view", 45, "CheXpert-v1.0/train.csv: row 5 (line 6)"});
  std::set<std::size_t> findings;  // one study of each of the five, with no other label
  for (const auto& study : set.studies) {
    if (study.split != "5x200") continue;
    CHECK(std::count(study.labels.begin(), study.labels.end(), 1.0F) == 1);
    findings.insert(static_cast<std::size_t>(std::find(study.labels.begin(), study.labels.end(), 1.0F) - study.labels.begin()));
  }
  CHECK(findings == std::set<std::size_t>{0, 1, 2, 3, 4});
  const auto again = chexpert.prepared();
  CHECK(images(again.studies, "valid") == images(set.studies, "valid"));
  CHECK(count_of(set.studies, "train", 0) == 0);
}

TEST_CASE("chexpert: a row becomes patient, view, age, sex and labels by the mixed rule", "[data][fast]") {
  const auto& chexpert = shared_folder();
  const auto set = chexpert.prepared();
  const auto at = [&](const std::string& image) {
    const auto study = std::find_if(set.studies.begin(), set.studies.end(), [&](const Study& s) { return s.image == image; });
    REQUIRE(study != set.studies.end());
    return *study;
  };
  const auto uncertain = at("CheXpert-v1.0/train/patient00001/study2/view1_frontal.jpg");
  CHECK(uncertain.patient == "patient00001");
  CHECK(uncertain.view == View::ap);
  CHECK(uncertain.sex == Sex::male);
  CHECK(uncertain.age == 41.0);
  CHECK(std::vector<float>(uncertain.labels.begin(), uncertain.labels.begin() + 8) == std::vector<float>{1, 0, 0, 1, 1, 0, 0, 1});
  CHECK(uncertain.labels[12] == 1);
  const auto opacity = at("CheXpert-v1.0/train/patient00003/study2/view1_frontal.jpg");
  CHECK(opacity.labels[2] == 1);
  CHECK(std::isnan(opacity.labels[7]));
  CHECK(std::count_if(opacity.labels.begin(), opacity.labels.end(), [](float x) { return std::isnan(x); }) == 1);
}

TEST_CASE("chexpert: as published, validation rows stay in training and subsets are drawn by row", "[data][fast]") {
  const auto& chexpert = shared_folder();
  const auto set = chexpert.prepared({.leaks = Leaks::as_published, .subsets = Subsets::as_published});
  const auto train = images(set.studies, "train"), valid = images(set.studies, "valid");
  const auto both = std::count_if(valid.begin(), valid.end(), [&](const std::string& image) { return train.contains(image); });
  CHECK(both > 0);
  CHECK(std::any_of(set.notes.begin(), set.notes.end(),
                    [](const std::string& note) { return note.find("stand in training too") != std::string::npos; }));
  const auto rows = count_of(set.studies, "train");
  CHECK(count_of(set.studies, "train", 1) == std::lround(0.01 * static_cast<double>(rows)));
  CHECK(count_of(set.studies, "train", 1) + count_of(set.studies, "train", 10) == std::lround(0.1 * static_cast<double>(rows)));
  const auto repaired = chexpert.prepared();
  for (const auto& image : images(repaired.studies, "valid")) CHECK_FALSE(images(repaired.studies, "train").contains(image));
}

TEST_CASE("chexpert: by the paper's protocol validation comes from the frontal rows and nothing is kept aside", "[data][fast]") {
  const auto& chexpert = shared_folder();
  const auto set = chexpert.prepared({.protocol = DataProtocol::paper});
  CHECK(count_of(set.studies, "valid") == 5);
  CHECK(count_of(set.studies, "train") == 174);
  CHECK(count_of(set.studies, "5x200") == 0);
  CHECK(count_of(set.studies, "test") == 5);
  expect_refused([&] { (void)chexpert.prepared({.protocol = DataProtocol::paper, .leaks = Leaks::as_published}); },
                 {"chexpert", "--protocol code"});
}

TEST_CASE("chexpert: the small version and the folder itself as raw folder give the same studies", "[data][fast]") {
  const auto& full = shared_folder();
  const Chexpert small("CheXpert-v1.0-small", "CheXpert-v1.0-small/"), inside("CheXpert-v1.0", "");
  const auto expected = full.prepared(), of_small = small.prepared(), of_inside = inside.prepared();
  REQUIRE(of_small.studies.size() == expected.studies.size());
  REQUIRE(of_inside.studies.size() == expected.studies.size());
  for (std::size_t i = 0; i < expected.studies.size(); ++i) {
    const auto below = expected.studies[i].image.generic_string().substr(std::string("CheXpert-v1.0/").size());
    CHECK(of_small.studies[i].image == "CheXpert-v1.0-small/" + below);
    CHECK(of_inside.studies[i].image == below);
    CHECK(of_small.studies[i].split == expected.studies[i].split);
  }
  small.layout.write("CheXpert-v1.0/train.csv", "x\n");
  expect_refused([&] { (void)small.prepared(); }, {"both CheXpert-v1.0 and CheXpert-v1.0-small"});
  const RawDownload empty;
  auto raw = empty.raw();
  expect_refused([&] { (void)prepare_chexpert(raw, {}); }, {"train.csv", "no such file"});
  empty.write("CheXpert-v1.0 batch 1 (validate & csv)/train.csv", "x\n");
  expect_refused([&] { (void)prepare_chexpert(raw, {}); }, {"the download in batches", "CheXpert-v1.0/train"});
}

TEST_CASE("chexpert: the odd rows of the published table are read", "[data][fast]") {
  Chexpert chexpert;
  chexpert.train = with(chexpert.train, ",Female,40,Frontal,PA,", ",Unknown,0,Frontal,RL,");
  chexpert.write();
  const auto set = chexpert.prepared();
  const auto study = std::find_if(set.studies.begin(), set.studies.end(), [](const Study& s) { return !s.age; });
  REQUIRE(study != set.studies.end());
  CHECK(study->view == View::unknown);
  CHECK(study->sex == Sex::unknown);
}

TEST_CASE("chexpert: a broken row is refused with its place and column, and without its content", "[data][fast]") {
  const std::string line = "CheXpert-v1.0/train/patient00001/study2/view1_frontal.jpg,Male,41,Frontal,AP,,,-1.0,1.0,";
  const Chexpert good;
  const auto refused = [&](const std::string& changed, std::initializer_list<std::string_view> pieces) {
    auto bad = with(good.train, line, changed);
    good.layout.write("CheXpert-v1.0/train.csv", bad);
    expect_refused([&] { (void)good.prepared(); }, pieces);
  };
  refused(with(line, "Male", "canary"), {"train.csv: row 2 (line 3)", "'Sex'", "F, M, O"});
  refused(with(line, "41", "canary"), {"row 2", "'Age'"});
  refused(with(line, "41", "410"), {"row 2", "'Age'", "0 to 150"});
  refused(with(line, "Frontal,", "canary,"), {"row 2", "'Frontal/Lateral'", "Frontal or Lateral"});
  refused(with(line, "AP,", "canary,"), {"row 2", "'AP/PA'"});
  refused(with(line, "-1.0", "2.0"), {"row 2", "'Cardiomegaly'", "1, 0, -1 or nothing"});
  refused(with(line, "patient00001", "canary"), {"row 2", "'Path'", "patient00001"});
  refused(with(line, "CheXpert-v1.0/", "canary/"), {"row 2", "'Path'"});
  refused(with(line, "Male,", "Male,1,"), {"row 2", "20 cells"});
  for (const auto& path : mgca::test::bad_paths()) refused(with(line, line.substr(0, line.find(',')), path), {"row 2", "the path"});
  good.layout.write("CheXpert-v1.0/train.csv", with(good.train, "Pleural Effusion", "Pleural effusion"));
  expect_refused([&] { (void)good.prepared(); }, {"no column 'Pleural Effusion'", "did you mean 'Pleural effusion'"});
  good.write();
  std::filesystem::remove(good.layout.path() / "CheXpert-v1.0/train/patient00001/study2/view1_frontal.jpg");
  expect_refused([&] { (void)good.prepared(); }, {"1 are not there", "--missing-images drop"});
  CHECK(good.prepared({.missing_images = mgca::MissingImages::drop}).dropped.back().rows == 1);
}

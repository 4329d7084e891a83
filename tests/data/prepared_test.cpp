#include "raw_download.hpp"

#include <mgca/data/prepared.hpp>

#include <set>

using mgca::MissingImages;
using mgca::Prepared;
using mgca::PrepareOptions;
using mgca::Study;
using mgca::Subsets;
using mgca::test::expect_refused;
using mgca::test::RawDownload;

namespace {

Study study(const std::string& image, const std::string& patient, const std::string& split = "train") {
  return {.image = image, .patient = patient, .split = split, .labels = {1}};
}
Prepared with_studies(std::vector<Study> studies) { return {.name = "some", .label_names = {"Edema"}, .studies = std::move(studies)}; }

}  // namespace

TEST_CASE("prepared: rows are numbered and whole patients drawn into nested subsets of the training split", "[data][fast]") {
  const RawDownload layout;
  layout.picture("a.png");
  std::vector<Study> studies;
  for (int i = 0; i < 3000; ++i) studies.push_back(study("a.png", "p" + std::to_string(i / 2), i < 2800 ? "train" : "test"));
  auto set = with_studies(studies);
  mgca::data::complete(set, layout.raw(), {.seed = 3});
  std::map<std::string, std::set<int>> percents;
  for (std::size_t i = 0; i < set.studies.size(); ++i) {
    CHECK(set.studies[i].row == static_cast<std::int64_t>(i) + 1);
    percents[set.studies[i].patient].insert(set.studies[i].percent);
    CHECK((set.studies[i].percent == 0) == (set.studies[i].split == "test"));
  }
  for (const auto& [patient, of_patient] : percents) CHECK(of_patient.size() == 1);
  const auto one = mgca::test::count_of(set.studies, "train", 1), ten = one + mgca::test::count_of(set.studies, "train", 10);
  CHECK(one > 10);  // 28 expected
  CHECK(one < 56);
  CHECK(ten > 200);  // 280 expected
  CHECK(ten < 360);
  auto other = with_studies(studies);
  mgca::data::complete(other, layout.raw(), {.seed = 4});
  CHECK(std::any_of(other.studies.begin(), other.studies.end(),
                    [&](const Study& s) { return s.percent != set.studies[static_cast<std::size_t>(s.row - 1)].percent; }));
}

TEST_CASE("prepared: subsets that a source drew stay as they are", "[data][fast]") {
  const RawDownload layout;
  layout.picture("a.png");
  auto set = with_studies({study("a.png", "p"), study("a.png", "q")});
  set.studies[0].percent = 10;
  set.studies[1].percent = 1;
  mgca::data::complete(set, layout.raw(), {.subsets = Subsets::as_published});
  CHECK(set.studies[0].percent == 10);
  CHECK(set.studies[1].percent == 1);
}

TEST_CASE("prepared: missing images are refused with their number, or dropped and counted", "[data][fast]") {
  const RawDownload layout;
  layout.picture("a.png");
  const auto three = [] { return with_studies({study("canary1.png", "canary"), study("a.png", "p"), study("canary2.png", "canary")}); };
  auto set = three();
  expect_refused([&] { mgca::data::complete(set, layout.raw(), {}); },
                 {"of 3 images", "2 are not there", "study 1", "--missing-images drop"});
  set = three();
  mgca::data::complete(set, layout.raw(), {.missing_images = MissingImages::drop});
  REQUIRE(set.studies.size() == 1);
  CHECK(set.studies[0].row == 1);
  REQUIRE(set.dropped.size() == 1);
  CHECK(set.dropped[0] == mgca::DroppedRows{"the image is not there", 2, "study 1"});
  auto none = with_studies({study("canary1.png", "canary")});
  expect_refused([&] { mgca::data::complete(none, layout.raw(), {.missing_images = MissingImages::drop}); }, {"no study of some is left"});
}

TEST_CASE("prepared: a study without patient, with a path that leads out or with too few labels is refused", "[data][fast]") {
  const RawDownload layout;
  layout.picture("a.png");
  for (const auto& path : mgca::test::bad_paths()) {
    auto set = with_studies({study("a.png", "p"), study(path, "canary")});
    expect_refused([&] { mgca::data::complete(set, layout.raw(), {}); }, {"some", "the image path of study 2"});
  }
  auto nobody = with_studies({study("a.png", "")});
  expect_refused([&] { mgca::data::complete(nobody, layout.raw(), {}); }, {"study 1 has no patient"});
  auto unlabelled = with_studies({study("a.png", "canary")});
  unlabelled.studies[0].labels.clear();
  expect_refused([&] { mgca::data::complete(unlabelled, layout.raw(), {}); }, {"study 1 has 0 labels, there are 1"});
}

TEST_CASE("prepared: dropped rows are counted by reason, with the place of the first", "[data][fast]") {
  Prepared set;
  set.drop("lateral", "a.csv: row 3");
  set.drop("empty", "a.csv: row 4");
  set.drop("lateral", "a.csv: row 9");
  CHECK(set.dropped == std::vector<mgca::DroppedRows>{{"lateral", 2, "a.csv: row 3"}, {"empty", 1, "a.csv: row 4"}});
}

TEST_CASE("prepared: patients in two splits are counted for each two splits", "[data][fast]") {
  const std::vector<Study> studies{study("a", "p", "train"), study("b", "p", "valid"), study("c", "p", "valid"), study("d", "q", "train"),
                                   study("e", "q", "valid"), study("f", "p", "test"),  study("g", "r", "test"),  study("h", "", "train"),
                                   study("i", "", "test"),   study("j", "s", "")};
  CHECK(mgca::data::shared_patients(studies) ==
        std::vector<mgca::SharedPatients>{{"test", "train", 1}, {"test", "valid", 1}, {"train", "valid", 2}});
  CHECK(mgca::data::shared_patients({}).empty());
}

TEST_CASE("prepared: the usual words for a split are understood, others are not", "[data][fast]") {
  for (const char* word : {"train", "Training", " TRAIN "}) CHECK(mgca::data::split_of_word(word) == "train");
  for (const char* word : {"valid", "val", "Validation", "validate", "dev"}) CHECK(mgca::data::split_of_word(word) == "valid");
  for (const char* word : {"test", "Testing"}) CHECK(mgca::data::split_of_word(word) == "test");
  for (const char* word : {"", "trian", "traintest", "5x200"}) CHECK_FALSE(mgca::data::split_of_word(word).has_value());
}

TEST_CASE("prepared: a set without published draws refuses to make some up", "[data][fast]") {
  mgca::data::require_own_draws("nih", {});
  expect_refused([] { mgca::data::require_own_draws("nih", {.subsets = Subsets::as_published}); },
                 {"nih", "no training subsets were published", "by_patient"});
  expect_refused([] { mgca::data::require_own_draws("nih", {.leaks = mgca::Leaks::as_published}); }, {"nih", "no leak", "repaired"});
}

#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/data/audit.hpp>
#include <mgca/data/sources/pairs.hpp>
#include <mgca/data/split.hpp>
#include <mgca/data/synthetic.hpp>
#include <mgca/io/image_file.hpp>

#include <fstream>
#include <set>

using mgca::PairStudies;
using mgca::test::expect_error;
using mgca::test::Scratch;

namespace {

void write(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }

// A table of three pairs beside its pictures.
struct Folder {
  Scratch scratch;
  explicit Folder(const std::string& table = "image,report,patient,split\na.png,clear lungs,p1,train\nb.png,effusion,p2,test\nc.png,nodule,p1,train\n") {
    for (const std::string name : {"a.png", "b.png", "c.png"}) {
      const auto png = mgca::io::encode_png(mgca::GreyImage({.height = 8, .width = 8}, 9).plane());
      mgca::atomic_write(mgca::posix_files(), scratch / name, std::span<const std::byte>(png));
    }
    write(scratch / "pairs.csv", table);
  }
  [[nodiscard]] mgca::PairsConfig config() const { return {.table = scratch / "pairs.csv"}; }
};

std::filesystem::path sample() { return std::filesystem::path(MGCA_TESTS_DIR) / ".." / "examples" / "data"; }

}  // namespace

TEST_CASE("pairs: rows, splits and pictures", "[data][fast]") {
  const Folder folder;
  const PairStudies pairs(folder.config());
  REQUIRE(pairs.size() == 3);
  CHECK(pairs.record(1).report == "effusion");
  CHECK(pairs.image(0).width() == 8);
  const auto train = mgca::split_of(pairs, "train");
  CHECK(train.size() == 2);
  CHECK(train.record(1).row == 3);
  expect_error([&] { (void)mgca::split_of(pairs, "valid"); }, {"'valid'", "'train'", "'test'"});
}

TEST_CASE("pairs: labels and boxes are joined by image, and must be complete and sane", "[data][fast]") {
  const Folder folder;
  auto config = folder.config();
  config.labels = folder.scratch / "labels.csv";
  config.label_columns = {"nodule", "effusion"};
  write(config.labels, "image,effusion,nodule\na.png,0,0\nb.png,1,\nc.png,0,1\n");
  config.boxes = folder.scratch / "boxes.csv";
  write(config.boxes, "image,label,x,y,w,h\nc.png,nodule,1,2,3,4\n");
  const PairStudies pairs(config);
  CHECK(std::isnan(pairs.record(1).labels[0]));
  CHECK(pairs.record(1).labels[1] == 1);
  REQUIRE(pairs.record(2).boxes.size() == 1);
  CHECK(pairs.record(2).boxes[0].box == mgca::Box{1, 2, 4, 6});
  write(config.labels, "image,effusion,nodule\na.png,0,0\nb.png,1,2\nc.png,0,1\n");
  expect_error([&] { PairStudies broken(config); }, {"labels.csv", "row 2", "'nodule'", "0, 1 or nothing"});
  write(config.labels, "image,effusion,nodule\na.png,0,0\nb.png,1,0\n");
  expect_error([&] { PairStudies broken(config); }, {"labels.csv", "no labels for row 3"});
  config.label_columns = {"nodul"};
  expect_error([&] { PairStudies broken(config); }, {"no column 'nodul'", "nodule"});
  config.labels.clear();
  write(config.boxes, "image,label,x,y,w,h\nc.png,nodule,1,2,-3,4\n");
  expect_error([&] { PairStudies broken(config); }, {"boxes.csv", "row 1", "column 'w'", "positive"});
}

TEST_CASE("pairs: what is wrong with a table is said by row, without its text", "[data][fast]") {
  const Folder folder("image,report\n../../etc/passwd,canary words\n");
  expect_error([&] { PairStudies broken(folder.config()); }, {"row 1", "leaves the table's folder"});
  for (const std::string path : {"/etc/passwd", "", "x/../../y.png"}) {
    write(folder.scratch / "pairs.csv", "image,report\n" + path + ",r\n");
    expect_error([&] { PairStudies broken(folder.config()); }, {"row 1", "image path"});
  }
  write(folder.scratch / "pairs.csv", "picture,report\na.png,r\n");
  expect_error([&] { PairStudies broken(folder.config()); }, {"no column 'image'", "picture"});
  write(folder.scratch / "pairs.csv", "image,report\nmissing.png,canary words\n");
  const PairStudies pairs(folder.config());
  try {
    (void)pairs.image(0);
    FAIL("found a picture that is not there");
  } catch (const mgca::Error& error) {
    const std::string text = error.what();
    CHECK(text.find("row 1") != std::string::npos);
    CHECK(text.find("missing.png") != std::string::npos);
    CHECK(text.find("canary") == std::string::npos);
  }
}

TEST_CASE("audit: one pass lists every problem with its row", "[data][fast]") {
  const Folder folder("image,report,patient,split\na.png,fine,p1,train\nno.png,fine,p2,train\nb.png,  ,p3,train\na.png,fine,p4,train\nc.png,fine,p1,test\n");
  const PairStudies pairs(folder.config());
  const auto problems = mgca::data::audit(pairs);
  std::set<int64_t> rows;
  for (const auto& problem : problems) rows.insert(problem.row);
  CHECK(rows == std::set<int64_t>{2, 3, 4, 5});
  expect_error([&] { mgca::data::require_none(problems, "pairs.csv"); }, {"pairs.csv: 4 problems", "row 2", "no.png", "row 3: the report is empty", "row 4: the same image as row 1",
                                                                          "row 5: the patient of row 1"});
}

TEST_CASE("pairs: the sample sets are whole, and no patient is in two splits", "[data][slow]") {
  const PairStudies nih({.table = sample() / "nih-mini" / "pairs.csv", .labels = sample() / "nih-mini" / "labels.csv",
                         .label_columns = {"Pneumonia", "Effusion"}, .boxes = sample() / "nih-mini" / "boxes.csv"});
  CHECK(nih.size() == 1210);
  CHECK(mgca::split_of(nih, "train").size() == 821);
  CHECK(mgca::split_of(nih, "valid").size() == 131);
  CHECK(mgca::split_of(nih, "test").size() == 258);
  CHECK(mgca::data::audit(nih).empty());
  const PairStudies covid({.table = sample() / "covid-pairs" / "pairs.csv"});
  CHECK(covid.size() == 206);
  CHECK(mgca::data::audit(covid).empty());
}

TEST_CASE("split: a patient's side depends on patient and seed alone, and shares are met", "[data][fast]") {
  std::map<std::string, int> counts;
  for (int i = 0; i < 5000; ++i) ++counts[mgca::data::split_of_patient("patient " + std::to_string(i), {})];
  CHECK(counts["train"] == Approx(3500).margin(120));
  CHECK(counts["valid"] == Approx(500).margin(80));
  CHECK(mgca::data::split_of_patient("x", {}) == mgca::data::split_of_patient("x", {}));
  expect_error([] { (void)mgca::data::split_of_patient("x", {.train = 0.9, .valid = 0.2}); }, {"0.9", "0.2"});
}

TEST_CASE("fingerprint: every part of a data set counts", "[data][fast]") {
  std::set<std::string> seen;
  for (const std::string row : {"a.png,x,p1,train", "b.png,x,p1,train", "a.png,y,p1,train", "a.png,x,p2,train", "a.png,x,p1,test"}) {
    const Folder folder("image,report,patient,split\n" + row + "\n");
    seen.insert(mgca::data::fingerprint(PairStudies(folder.config())));
  }
  CHECK(seen.size() == 5);
}

TEST_CASE("synthetic: the answer is known and the same everywhere", "[data][fast]") {
  const mgca::SyntheticStudies studies({.count = 200, .seed = 1}), again({.count = 50, .seed = 1});
  std::set<std::string> reports;
  for (int64_t i = 0; i < studies.size(); ++i) {
    const auto found = studies.findings(i);
    const auto& study = studies.record(i);
    REQUIRE(found.size() >= 1);
    REQUIRE(study.boxes.size() == found.size());
    for (const auto& f : found) {
      CHECK(study.labels[f.kind] == 1);
      CHECK(study.report.find(studies.label_names()[f.kind]) != std::string::npos);
      CHECK(studies.mask(i).at(static_cast<int64_t>(f.y), static_cast<int64_t>(f.x)) == 255);
    }
    reports.insert(study.report);
    if (i < 50) CHECK(study.report == again.record(i).report);
  }
  CHECK(reports.size() >= 195);
  const auto a = studies.image(7), b = again.image(7);
  CHECK(std::equal(a.pixels().begin(), a.pixels().end(), b.pixels().begin()));
}

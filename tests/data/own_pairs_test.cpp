#include "raw_download.hpp"

#include <mgca/data/sources/own_pairs.hpp>

using mgca::OwnPairsConfig;
using mgca::data::prepare_pairs;
using mgca::test::count_of;
using mgca::test::expect_refused;
using mgca::test::RawDownload;
using mgca::test::with;

namespace {

struct Pairs {
  RawDownload layout;
  std::string table =
      "image,report,patient,split,view,age,sex,Edema\n"
      "a.png,canary one,canary1,train,PA,61,F,1\n"
      "b.png,canary two,canary2,val,,,,\n"
      "x/c.png,canary three,canary1,TEST,AP,5.5,m,0\n";
  Pairs() {
    for (const char* name : {"a.png", "b.png", "x/c.png"}) layout.picture(name);
  }
  [[nodiscard]] mgca::Prepared prepared(const OwnPairsConfig& config = {}, const mgca::PrepareOptions& options = {}) const {
    layout.write("pairs.csv", table);
    auto raw = layout.raw();
    return prepare_pairs(raw, config, options);
  }
};

}  // namespace

TEST_CASE("own pairs: the usual columns are found by their names", "[data][fast]") {
  const Pairs pairs;
  const auto set = pairs.prepared({.label_columns = {"Edema"}});
  CHECK(set.has_reports);
  REQUIRE(set.studies.size() == 3);
  CHECK(set.studies[0].report == "canary one");
  CHECK(set.studies[0].patient == "canary1");
  CHECK(set.studies[0].view == mgca::View::pa);
  CHECK(set.studies[0].sex == mgca::Sex::female);
  CHECK(set.studies[0].labels == std::vector<float>{1});
  CHECK(set.studies[1].split == "valid");
  CHECK(std::isnan(set.studies[1].labels[0]));
  CHECK_FALSE(set.studies[1].age.has_value());
  CHECK(set.studies[2].split == "test");
  CHECK(set.studies[2].age == 5.5);
  CHECK(mgca::data::shared_patients(set.studies) == std::vector<mgca::SharedPatients>{{"test", "train", 1}});
  for (const auto& note : set.notes) CHECK(note.find("canary") == std::string::npos);
}

TEST_CASE("own pairs: columns can be named, left out, and must exist where they are named", "[data][fast]") {
  Pairs pairs;
  pairs.table = with(with(with(pairs.table, "image", "file"), "report", "text"), "patient", "subject");
  const OwnPairsConfig named{.image_column = "file", .report_column = "text", .patient_column = "subject", .split_column = ""};
  const auto set = pairs.prepared(named);
  CHECK(set.studies[0].patient == "canary1");
  CHECK(set.studies[0].split == mgca::data::split_of_patient("canary1", {.train = 0.7, .valid = 0.1, .seed = 0}));
  CHECK(mgca::data::shared_patients(set.studies).empty());
  expect_refused([&] { (void)pairs.prepared(); }, {"no column 'image'"});
  auto wrong = named;
  wrong.patient_column = "subjet";
  expect_refused([&] { (void)pairs.prepared(wrong); }, {"no column 'subjet'", "did you mean 'subject'"});
  wrong = named;
  wrong.label_columns = {"edema"};
  expect_refused([&] { (void)pairs.prepared(wrong); }, {"no column 'edema'", "did you mean 'Edema'"});
}

TEST_CASE("own pairs: without patients each picture is its own, without reports labels are enough", "[data][fast]") {
  Pairs pairs;
  pairs.table = "image,Edema\na.png,1\nx/c.png,0\n";
  const auto set = pairs.prepared({.label_columns = {"Edema"}, .train = 1, .valid = 0});
  CHECK_FALSE(set.has_reports);
  CHECK(set.studies[1].patient == "x/c.png");
  CHECK(count_of(set.studies, "train") == 2);
  CHECK(set.notes.size() == 1);
  expect_refused([&] { (void)pairs.prepared(); }, {"neither a column of reports ('report') nor label columns"});
}

TEST_CASE("own pairs: empty reports are dropped and counted", "[data][fast]") {
  Pairs pairs;
  pairs.table += "a.png,,canary1,train,,,,\nb.png,\" \n\t\",canary2,train,,,,\nb.png,NaN,canary2,train,,,,\n";
  const auto set = pairs.prepared();
  CHECK(set.studies.size() == 3);
  CHECK(set.dropped == std::vector<mgca::DroppedRows>{{"the report is empty", 3, "pairs.csv: row 4 (line 5)"}});
}

TEST_CASE("own pairs: Latin-1 is refused with line and byte, or replaced on request", "[data][fast]") {
  Pairs pairs;
  pairs.table = with(pairs.table, "canary two",
                     "canary 38 \xB0"
                     "C");
  expect_refused([&] { (void)pairs.prepared(); }, {"row 2 (line 3)", "column 'report'", "byte 103 is not UTF-8"});
  const auto set = pairs.prepared({.replace_invalid_utf8 = true});
  CHECK(set.studies[1].report ==
        "canary 38 \xEF\xBF\xBD"
        "C");
  CHECK(set.notes.size() == 1);
}

TEST_CASE("own pairs: a broken row is refused with its place and column, and without its content", "[data][fast]") {
  const auto refused = [](const std::string& piece, const std::string& other, std::initializer_list<std::string_view> pieces) {
    Pairs pairs;
    pairs.table = with(pairs.table, piece, other);
    expect_refused([&] { (void)pairs.prepared({.label_columns = {"Edema"}}); }, pieces);
  };
  refused(",val,", ",canary,", {"pairs.csv: row 2 (line 3)", "'split'", "train, valid or test"});
  refused("canary2", " ", {"row 2", "'patient'"});
  refused("61", "canary", {"row 1", "'age'"});
  refused("61", "161", {"row 1", "'age'"});
  refused("PA", "canary", {"row 1", "'view'"});
  refused(",F,", ",canary,", {"row 1", "'sex'"});
  refused(",1\n", ",0.5\n", {"row 1", "'Edema'"});
  refused("b.png", "a.png,b.png", {"row 2", "9 cells"});
  for (const auto& path : mgca::test::bad_paths()) refused("b.png", path, {"row 2", "the image path"});
  Pairs empty;
  empty.table = "image,report\n";
  expect_refused([&] { (void)empty.prepared(); }, {"pairs.csv", "no row"});
  expect_refused([&] { (void)empty.prepared({.table = "pair.csv"}); }, {"pair.csv", "'pairs.csv'"});
  expect_refused([&] { (void)empty.prepared({.table = "../pairs.csv"}); }, {"name of the table", "'..'"});
}

#include "catch.hpp"
#include "expect_error.hpp"
#include "pair_folder.hpp"

#include <mgca/core/config.hpp>
#include <mgca/data/audit.hpp>
#include <mgca/data/split.hpp>

#include <map>

using mgca::PairsConfig;
using mgca::PairStudies;
using mgca::Sex;
using mgca::View;
using mgca::test::expect_error;
using mgca::test::PairFolder;
using mgca::test::sample_data;

namespace {

void expect_refusal(const PairsConfig& config, std::initializer_list<std::string_view> pieces) {
  expect_error([&] { PairStudies broken(config); }, pieces);
}

}  // namespace

TEST_CASE("pairs: rows, splits and pictures", "[data][fast]") {
  const PairFolder folder;
  const PairStudies pairs(folder.config());
  REQUIRE(pairs.size() == 3);
  CHECK(pairs.record(1).report == "effusion");
  CHECK(pairs.record(2).row == 3);
  CHECK(pairs.image(0).at(0, 0) == 10);
  const auto train = mgca::split_of(pairs, "train");
  CHECK(train.size() == 2);
  CHECK(train.record(1).row == 3);
  CHECK(train.image(1).at(0, 0) == 30);
}

TEST_CASE("pairs: labels and boxes are joined by image, and must be complete and sane", "[data][fast]") {
  const PairFolder folder;
  auto config = folder.with_labels("image,effusion,nodule\na.png,0,0\n./b.png,1,\nc.png,0,1\n", {"nodule", "effusion"});
  config.boxes = folder.with_boxes("image,label,x,y,w,h\nc.png,nodule,1,2,3,4\n").boxes;
  const PairStudies pairs(config);
  CHECK(std::isnan(pairs.record(1).labels[0]));
  CHECK(pairs.record(1).labels[1] == 1);
  REQUIRE(pairs.record(2).boxes.size() == 1);
  CHECK(pairs.record(2).boxes[0].box == mgca::Box{1, 2, 4, 6});
  CHECK(pairs.extra_rows().labels == 0);
  CHECK(pairs.extra_rows().boxes == 0);

  const auto labels = [&](const std::string& rows) { return folder.with_labels("image,effusion,nodule\n" + rows, {"nodule"}); };
  for (const std::string cell : {"2", "-1", "0.5", "nan", "NaN", "inf", "yes", "1 1"}) {
    expect_refusal(labels("a.png,0,0\nb.png,1," + cell + "\nc.png,0,1\n"), {"labels.csv: row 2 (line 3)", "'nodule'"});
  }
  expect_refusal(labels("a.png,0,0\nb.png,1,0\n"), {"labels.csv", "no labels for row 3", "add a row"});
  expect_refusal(labels("a.png,0,0\na.png,0,1\nb.png,1,0\nc.png,0,1\n"), {"labels.csv: row 2", "second row of labels"});
  expect_refusal(labels("../a.png,0,0\n"), {"labels.csv: row 1", "'..'"});
  expect_refusal(folder.with_labels("image,effusion,nodule\na.png,0,0\n", {"nodul"}), {"no column 'nodul'", "nodule"});

  const auto boxes = [&](const std::string& row) { return folder.with_boxes("image,label,x,y,w,h\na.png,nodule,1,1,1,1\n" + row + "\n"); };
  expect_refusal(boxes("c.png,nodule,1,2,-3,4"), {"boxes.csv: row 2", "column 'w'", "positive"});
  expect_refusal(boxes("c.png,nodule,1,2,0,4"), {"boxes.csv: row 2", "column 'w'", "positive"});
  expect_refusal(boxes("c.png,nodule,-1,2,3,4"), {"boxes.csv: row 2", "column 'x'", "0 or more"});
  expect_refusal(boxes("c.png,nodule,1,,3,4"), {"boxes.csv: row 2", "column 'y'"});
  expect_refusal(boxes("c.png,nodule,1,2,3,nan"), {"boxes.csv: row 2", "column 'h'"});
  expect_refusal(folder.with_boxes("image,label,x,y,w\na.png,nodule,1,1,1\n"), {"boxes.csv", "no column 'h'"});
}

TEST_CASE("pairs: rows of labels and boxes without a pair are refused by default, and counted where they are meant", "[data][fast]") {
  const PairFolder folder;
  auto config = folder.with_labels("image,nodule\na.png,0\nx.png,1\nb.png,1\ny.png,2\nc.png,0\n", {"nodule"});
  expect_refusal(config, {"labels.csv: row 2 (line 3)", "in no row of", "pairs.csv", "rows like this: 2", "extra_rows"});
  config.extra_rows = mgca::ExtraRows::ignore;
  const PairStudies labelled(config);  // nobody reads the cells of rows that are ignored
  CHECK(labelled.extra_rows().labels == 2);
  CHECK(labelled.extra_rows().boxes == 0);
  CHECK(labelled.record(1).labels[0] == 1);

  auto boxed = folder.with_boxes("image,label,x,y,w,h\na.png,nodule,1,1,1,1\nx.png,nodule,1,1,1,1\n");
  expect_refusal(boxed, {"boxes.csv: row 2 (line 3)", "in no row of", "rows like this: 1", "extra_rows"});
  boxed.extra_rows = mgca::ExtraRows::ignore;
  CHECK(PairStudies(boxed).extra_rows().boxes == 1);

  config = folder.with_labels("image,nodule\nx.png,1\na.png,0\n", {"nodule"});
  config.extra_rows = mgca::ExtraRows::ignore;
  expect_refusal(config, {"no labels for row 2"});  // a pair without labels is never passed over
}

TEST_CASE("pairs: view, age and sex come from the pairs, else from the labels", "[data][fast]") {
  const PairFolder folder("image,report,view,age\na.png,r,PA,61\nb.png,r,,\nc.png,r,lateral,0.5\n");
  const auto config = folder.with_labels("image,view,sex\na.png,AP,F\nb.png,AP,M\nc.png,AP,\n", {});
  const PairStudies pairs(config);
  CHECK(pairs.record(0).view == View::pa);
  CHECK(pairs.record(1).view == View::unknown);  // the pairs' own column decides, blank or not
  CHECK(pairs.record(2).view == View::lateral);
  CHECK(pairs.record(0).age == 61);
  CHECK_FALSE(pairs.record(1).age.has_value());
  CHECK(pairs.record(2).age == 0.5);
  CHECK(pairs.record(0).sex == Sex::female);
  CHECK(pairs.record(1).sex == Sex::male);
  CHECK(pairs.record(2).sex == Sex::unknown);

  for (const auto& [column, cell] : {std::pair("view", "frontal"), std::pair("age", "-1"), std::pair("age", "411"), std::pair("age", "060Y"), std::pair("sex", "W")}) {
    folder.table(std::string("image,report,") + column + "\na.png,r,\nb.png,r," + cell + "\n");
    expect_refusal(folder.config(), {"pairs.csv: row 2 (line 3)", std::string("column '") + column + "'"});
  }
  folder.table("image,report\na.png,r\n");
  expect_refusal(folder.with_labels("image,age\na.png,old\n", {}), {"labels.csv: row 1", "column 'age'"});
}

TEST_CASE("pairs: a column that was named must exist, one that keeps its usual name need not", "[data][fast]") {
  const PairFolder folder("image,report,subject,position\na.png,r,p1,PA\n");
  auto config = folder.config();
  CHECK(PairStudies(config).record(0).patient.empty());
  config.patient_column = "subject";
  config.view_column = "position";
  const PairStudies pairs(config);
  CHECK(pairs.record(0).patient == "p1");
  CHECK(pairs.record(0).view == View::pa);
  for (auto PairsConfig::*name : {&PairsConfig::patient_column, &PairsConfig::split_column, &PairsConfig::view_column, &PairsConfig::age_column, &PairsConfig::sex_column}) {
    auto wrong = folder.config();
    wrong.*name = "subjekt";
    expect_refusal(wrong, {"no column 'subjekt'", "subject"});
  }
  folder.table(",image,report\n0,a.png,r\n");  // a column without a name is nobody's
  config = folder.config();
  config.patient_column.clear();
  CHECK(PairStudies(config).record(0).patient.empty());
}

TEST_CASE("pairs: a table without a split is divided by patient where a rule says how", "[data][fast]") {
  std::string table = "image,report,patient\n";
  for (int i = 0; i < 60; ++i) table += "a.png,r,p" + std::to_string(i / 2) + "\n";
  const PairFolder folder(table);
  auto config = folder.config();
  config.split_rule = mgca::SplitRule{.train = 0.5, .valid = 0.2, .seed = 3};
  const PairStudies pairs(config);
  std::map<std::string, int> counts;
  for (int64_t i = 0; i < pairs.size(); ++i) {
    CHECK(pairs.record(i).split == mgca::data::split_of_patient(pairs.record(i).patient, *config.split_rule));
    ++counts[pairs.record(i).split];
  }
  CHECK(counts.size() == 3);

  folder.table("image,report,patient,split\na.png,r,p1,train\n");
  expect_refusal(config, {"pairs.csv", "split of its own", "split_rule"});
  config.split_column.clear();
  CHECK_FALSE(PairStudies(config).record(0).split.empty());
  folder.table("image,report\na.png,r\n");
  expect_refusal(config, {"no patient column", "patient_column"});
  folder.table("image,report,patient\na.png,r,p1\nb.png,r,\n");
  expect_refusal(config, {"row 2", "column 'patient'"});
}

TEST_CASE("pairs: a broken table is refused with what is wrong", "[data][fast]") {
  const PairFolder folder;
  const std::vector<std::pair<std::string, std::vector<std::string_view>>> tables{
      {"picture,report\na.png,r\n", {"no column 'image'", "picture"}},
      {"image,text\na.png,r\n", {"no column 'report'"}},
      {"image,report,image\na.png,r,b.png\n", {"columns 1 and 3 have the same name"}},
      {"image,report\n", {"pairs.csv", "no row"}},
      {"", {"pairs.csv", "empty"}},
      {"image,report\na.png\n", {"row 1", "1 cells"}},
      {"image,report\na.png,r\nb.png,r,s\n", {"row 2", "3 cells"}},
  };
  for (const auto& [text, pieces] : tables) {
    folder.table(text);
    for (const auto piece : pieces) expect_refusal(folder.config(), {piece});
  }
  expect_refusal({.table = folder.scratch / "none.csv"}, {"none.csv: cannot open", "No such file"});
  expect_refusal({.table = folder.scratch / "none" / "none.csv"}, {"none.csv: cannot open", "No such file"});
}

TEST_CASE("pairs: image paths that leave the data folder are refused with their row, whichever table they stand in", "[data][fast]") {
  const PairFolder folder;
  for (const auto& path : std::initializer_list<std::string>{"../../etc/passwd", "/etc/passwd", "", "x/../../y.png", "images/", "..", std::string(5000, 'a'), "a\\b.png", "\"a\nb.png\""}) {
    folder.table("image,report\na.png,r\n" + path + ",canary words\n");
    expect_refusal(folder.config(), {"row 2", "the image path", "below it"});
  }
  folder.table(std::string("image,report\na\0.png,r\n", 22));
  expect_refusal(folder.config(), {"pairs.csv", "zero byte"});
}

TEST_CASE("pairs: a link that leads out and a file that is none are refused when the picture is read, with the row", "[data][fast]") {
  const PairFolder folder("image,report,patient\nout.png,canary words,canary-patient\na.png,r,p\nmissing.png,canary words,canary-patient\nempty.png,canary words,canary-patient\n");
  const mgca::test::Scratch elsewhere;
  mgca::test::write_picture(elsewhere / "secret.png", 1);
  std::filesystem::create_symlink(elsewhere / "secret.png", folder.scratch / "out.png");
  mgca::test::write_text(folder.scratch / "empty.png", "");
  const PairStudies pairs(folder.config());
  CHECK(pairs.image(1).width() == 8);
  for (const auto& [record, name, why] : {std::tuple(0, "out.png", "leads out"), std::tuple(2, "missing.png", "No such file"), std::tuple(3, "empty.png", "neither PNG nor JPEG")}) {
    try {
      (void)pairs.image(record);
      FAIL("read " << name);
    } catch (const mgca::Error& error) {
      const std::string text = error.what();
      INFO(text);
      CHECK(text.find("row " + std::to_string(record + 1)) != std::string::npos);
      CHECK(text.find(name) != std::string::npos);
      CHECK(text.find(why) != std::string::npos);
      CHECK(text.find("canary") == std::string::npos);
    }
  }
}

TEST_CASE("pairs: the pictures may lie in another folder than the table", "[data][fast]") {
  const PairFolder folder;
  const mgca::test::Scratch elsewhere;
  mgca::test::write_text(elsewhere / "pairs.csv", "image,report\nb.png,r\n");
  const PairStudies pairs({.table = elsewhere / "pairs.csv", .root = folder.scratch.path()});
  CHECK(pairs.image(0).at(0, 0) == 20);
  expect_refusal({.table = elsewhere / "pairs.csv", .root = elsewhere / "none"}, {"none", "data folder"});
}

TEST_CASE("pairs: the sample sets are whole, and no patient or picture is in two splits", "[data][slow]") {
  const auto nih_folder = sample_data() / "nih-mini";
  const PairStudies nih({.table = nih_folder / "pairs.csv", .labels = nih_folder / "labels.csv", .label_columns = {"Pneumonia", "Effusion"}, .boxes = nih_folder / "boxes.csv"});
  CHECK(nih.size() == 1210);
  CHECK(mgca::split_of(nih, "train").size() == 821);
  CHECK(mgca::split_of(nih, "valid").size() == 131);
  CHECK(mgca::split_of(nih, "test").size() == 258);
  int64_t frontal = 0, women = 0, boxes = 0;
  for (int64_t i = 0; i < nih.size(); ++i) {
    const auto& study = nih.record(i);
    REQUIRE(study.age.has_value());
    frontal += study.view == View::pa || study.view == View::ap ? 1 : 0;
    women += study.sex == Sex::female ? 1 : 0;
    boxes += static_cast<int64_t>(study.boxes.size());
  }
  CHECK(frontal == 1210);
  CHECK(women == 552);
  CHECK(boxes == 49);
  CHECK(mgca::data::audit(nih, {.threads = 2}).problems.empty());
  const PairStudies covid({.table = sample_data() / "covid-pairs" / "pairs.csv"});
  CHECK(covid.size() == 206);
  CHECK(mgca::data::audit(covid).problems.empty());
}

TEST_CASE("pairs: masks and training subsets are read, and must be sane", "[data][fast]") {
  const PairFolder folder("image,report,percent\na.png,x,1\nb.png,x,\nc.png,x,100\n");
  auto config = folder.config();
  config.masks = folder.scratch / "masks.csv";
  const auto masks = [&](const std::string& rows) { mgca::test::write_text(config.masks, "image,height,width,runs\n" + rows); };
  masks("a.png,8,8,4 2 61 4\nc.png,8,8,-1\n");
  const PairStudies pairs(config);
  CHECK(pairs.record(0).percent == 1);
  CHECK(pairs.record(1).percent == 0);
  REQUIRE(pairs.record(0).mask);
  CHECK(pairs.record(0).mask->runs == std::vector<mgca::RunLengthMask::Run>{{3, 2}, {60, 4}});
  CHECK_FALSE(pairs.record(1).mask);
  CHECK(pairs.record(2).mask->runs.empty());
  mgca::test::write_text(config.masks, "image,undecided,height,width,runs\na.png,9 2,8,8,4 2\nc.png,,8,8,-1\n");
  const PairStudies unsure(config);
  CHECK(unsure.record(0).undecided->runs == std::vector<mgca::RunLengthMask::Run>{{8, 2}});
  CHECK_FALSE(unsure.record(2).undecided);
  mgca::test::write_text(config.masks, "image,undecided,height,width,runs\na.png,9,8,8,4 2\n");
  expect_error([&] { PairStudies{config}; }, {"masks.csv: row 1", "'undecided'"});
  masks("a.png,8,8,3 2\na.png,8,8,3 2\n");
  expect_error([&] { PairStudies{config}; }, {"masks.csv: row 2", "a second mask for the same image"});
  masks("a.png,8,8,62 4\n");
  expect_error([&] { PairStudies{config}; }, {"masks.csv: row 1"});
  masks("a.png,8,0,-1\n");
  expect_error([&] { PairStudies{config}; }, {"masks.csv: row 1", "'width'", "1 to 32,768"});
  folder.table("image,report,percent\na.png,x,5\n");
  expect_error([&] { PairStudies{folder.config()}; }, {"row 1", "'percent'", "1, 10, 100 or nothing"});
}

TEST_CASE("pairs: every bad row of every table is told in one pass when somebody listens", "[data][fast]") {
  const PairFolder folder("image,report,age\na.png,x,20\n../b.png,CANARY,30\nc.png,x,CANARY\n");
  auto config = folder.with_labels("image,Edema\na.png,7\nc.png,1\n", {"Edema"});
  std::vector<std::string> told;
  const PairStudies pairs(config, [&](const std::string& what) { told.push_back(what); });
  CHECK(pairs.size() == 1);
  REQUIRE(told.size() == 3);  // the labels of a bad row's image are no problem of their own
  CHECK(told[0].find("pairs.csv: row 2") != std::string::npos);
  CHECK(told[1].find("pairs.csv: row 3") != std::string::npos);
  CHECK(told[2].find("labels.csv: row 1") != std::string::npos);
  for (const auto& what : told) CHECK(what.find("CANARY") == std::string::npos);
}

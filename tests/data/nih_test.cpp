#include "raw_download.hpp"

#include <mgca/data/sources/nih.hpp>
#include <mgca/io/csv.hpp>

#include <map>
#include <set>

using mgca::PrepareOptions;
using mgca::Sex;
using mgca::Study;
using mgca::View;
using mgca::data::prepare_nih;
using mgca::test::count_of;
using mgca::test::expect_refused;
using mgca::test::RawDownload;
using mgca::test::with;

namespace {

std::filesystem::path nih_mini() { return std::filesystem::path(MGCA_TESTS_DIR) / ".." / "examples" / "data" / "nih-mini"; }

constexpr auto kNihHeader =
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View "
    "Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],\n";

struct Nih {
  RawDownload layout;
  std::string table = std::string(kNihHeader) +
                      "00000001_000.png,Cardiomegaly,0,1,058Y,M,PA,2682,2749,0.143,0.143,\n"
                      "00000001_001.png,Cardiomegaly|Emphysema,1,1,059Y,M,AP,2894,2729,0.143,0.143,\n"
                      "00000002_000.png,No Finding,0,2,411Y,F,PA,2500,2048,0.168,0.168,\n"
                      "00000003_000.png,Hernia|Infiltration|Pleural_Thickening,0,3,018M,F,PA,2500,2048,0.168,0.168,\n"
                      "00000004_000.png,No Finding,0,4,81,F,PA,2500,2048,0.168,0.168,\n";
  std::string boxes =
      "Image Index,Finding Label,Bbox "
      "[x,y,w,h],,,\n00000001_001.png,Infiltrate,225.084745762712,547.019216763771,86.7796610169491,79.1864406779661\n00000003_000.png,"
      "Mass,0,900,1024,124\n";
  std::string learned = "00000001_000.png\n00000001_001.png\n00000003_000.png", tested = "00000002_000.png\r\n";

  Nih() {
    layout.picture("images_001/images/00000001_000.png");
    layout.picture("images_001/images/00000001_001.png");
    layout.picture("images_002/images/00000002_000.png");
    layout.picture("images/00000003_000.png");
    write();
  }
  void write() const {
    layout.write("Data_Entry_2017.csv", table);
    layout.write("BBox_List_2017.csv", boxes);
    layout.write("train_val_list.txt", learned);
    layout.write("test_list.txt", tested);
  }
  [[nodiscard]] mgca::Prepared prepared(const PrepareOptions& options = {}) const {
    auto raw = layout.raw();
    return prepare_nih(raw, options);
  }
};

}  // namespace

TEST_CASE("nih: rows, lists, boxes and both places of pictures are put together", "[data][fast]") {
  const Nih nih;
  const auto set = nih.prepared();
  REQUIRE(set.studies.size() == 4);
  CHECK(set.label_names.size() == 14);
  const auto& first = set.studies[0];
  CHECK(first.image == "images_001/images/00000001_000.png");
  CHECK(first.patient == "1");
  CHECK(first.age == 58.0);
  CHECK(first.sex == Sex::male);
  CHECK(first.view == View::pa);
  CHECK(first.labels == std::vector<float>{0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  CHECK(set.studies[1].labels == std::vector<float>{0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0});
  CHECK(set.studies[1].view == View::ap);
  REQUIRE(set.studies[1].boxes.size() == 1);
  CHECK(set.studies[1].boxes[0].label == "Infiltration");
  CHECK(set.studies[1].boxes[0].box.x2 == Approx(311.864406779661));
  CHECK(set.studies[2].split == "test");
  CHECK(set.studies[2].labels == std::vector<float>(14, 0));
  CHECK_FALSE(set.studies[2].age.has_value());
  CHECK(set.studies[3].image == "images/00000003_000.png");
  CHECK(set.studies[3].age == 1.5);
  CHECK(set.studies[3].labels == std::vector<float>{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1});
  CHECK(set.dropped ==
        std::vector<mgca::DroppedRows>{{"in neither train_val_list.txt nor test_list.txt", 1, "Data_Entry_2017.csv: row 5 (line 6)"}});
  CHECK(set.expected == std::vector<mgca::ExpectedCount>{{"boxes", 984, 2},
                                                         {"rows of the table", 112'120, 5},
                                                         {"patients", 30'805, 4},
                                                         {"names in train_val_list.txt", 86'524, 3},
                                                         {"names in test_list.txt", 25'596, 1}});
  CHECK(
      std::any_of(set.notes.begin(), set.notes.end(), [](const std::string& note) { return note.find("100 years") != std::string::npos; }));
}

TEST_CASE("nih: every published form of the two headers is read alike", "[data][fast]") {
  const auto expected = Nih().prepared().studies;
  const auto same = [&](const Nih& nih) {
    nih.write();
    const auto found = nih.prepared().studies;
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(found[i].labels == expected[i].labels);
      CHECK(found[i].age == expected[i].age);
      CHECK(found[i].boxes == expected[i].boxes);
    }
  };
  const auto replaced = [](std::string text, const std::string& piece, const std::string& other) {
    for (auto at = text.find(piece); at != std::string::npos; at = text.find(piece, at + other.size())) {
      text.replace(at, piece.size(), other);
    }
    return text;
  };
  Nih of_2020;
  of_2020.table = replaced(of_2020.table, ",\n", "\n");
  std::filesystem::remove(of_2020.layout.path() / "Data_Entry_2017.csv");
  of_2020.layout.write("Data_Entry_2017_v2020.csv", of_2020.table);
  same(of_2020);
  Nih sex;
  sex.table = with(sex.table, "Patient Gender", "Patient Sex");
  same(sex);
  Nih carriage;
  carriage.table = replaced(carriage.table, "\n", "\r\n");
  carriage.boxes = replaced(carriage.boxes, "\n", "\r\n");
  same(carriage);
  Nih rows_end;  // the header without its last comma, the rows with theirs
  rows_end.table = with(rows_end.table, "[x,y],\n", "[x,y]\n");
  same(rows_end);
  Nih box_rows;
  box_rows.boxes = with(with(box_rows.boxes, "79.1864406779661\n", "79.1864406779661,,,\n"), ",124\n", ",124,,,\n");
  same(box_rows);
  Nih plain;
  plain.boxes = with(plain.boxes, "h],,,", "h]");
  same(plain);
  Nih marked;
  marked.table = "\xEF\xBB\xBF" + marked.table;
  same(marked);
}

TEST_CASE("nih: validation is an eighth of the patients outside the test list, whole patients, another seed others", "[data][fast]") {
  Nih nih;
  nih.table = kNihHeader;
  nih.learned.clear();
  for (int i = 0; i < 200; ++i) {
    const auto name = "0000" + std::to_string(1000 + i / 2) + "_00" + std::to_string(i % 2) + ".png";
    nih.table += name + ",No Finding,0," + std::to_string(1000 + i / 2) + ",50,F,PA,2500,2048,0.168,0.168,\n";
    nih.learned += name + "\n";
    nih.layout.write("images/" + name, "");
  }
  nih.write();
  const auto set = nih.prepared(), again = nih.prepared(), other = nih.prepared({.seed = 1});
  CHECK(count_of(set.studies, "valid") > 8);  // 25 expected
  CHECK(count_of(set.studies, "valid") < 50);
  CHECK(count_of(set.studies, "train") + count_of(set.studies, "valid") == 200);
  CHECK(mgca::data::shared_patients(set.studies).empty());
  bool differs = false;
  for (std::size_t i = 0; i < set.studies.size(); ++i) {
    CHECK(set.studies[i].split == again.studies[i].split);
    differs = differs || set.studies[i].split != other.studies[i].split;
  }
  CHECK(differs);
  CHECK(set.dropped.size() == 1);  // the boxes are of pictures that are not in this table
  CHECK(set.dropped[0].rows == 2);
}

TEST_CASE("nih: broken rows, lists and boxes are refused with their place and without their content", "[data][fast]") {
  const auto refused_table = [](const std::string& piece, const std::string& other, std::initializer_list<std::string_view> pieces) {
    Nih nih;
    nih.table = with(nih.table, piece, other);
    nih.write();
    expect_refused([&] { (void)nih.prepared(); }, pieces);
  };
  refused_table("|Emphysema", "|canary", {"Data_Entry_2017.csv: row 2 (line 3)", "'Finding Labels'", "14 findings"});
  refused_table("|Emphysema", "|No Finding", {"row 2", "'Finding Labels'"});
  refused_table("|Emphysema", "|", {"row 2", "'Finding Labels'"});
  refused_table("Cardiomegaly|Emphysema", "", {"row 2", "'Finding Labels'"});
  refused_table("059Y", "canary", {"row 2", "'Patient Age'", "058Y"});
  refused_table("059Y", "59X", {"row 2", "'Patient Age'"});
  refused_table("059Y", "-59", {"row 2", "'Patient Age'"});
  refused_table("M,AP", "canary,AP", {"row 2", "'Patient Gender'", "F, M"});
  refused_table("M,AP", "M,canary", {"row 2", "'View Position'", "PA, AP"});
  refused_table(",1,059Y", ",,059Y", {"row 2", "'Patient ID'"});
  refused_table("00000001_001.png", "00000001_000.png", {"row 2", "second row for the same picture"});
  refused_table("Finding Labels", "Finding Label", {"no column 'Finding Labels'", "did you mean 'Finding Label'"});
  for (const auto& path : mgca::test::bad_paths()) refused_table("00000001_001.png", path, {"row 2", "the name of the picture"});
  const auto refused_box = [](const std::string& piece, const std::string& other, std::initializer_list<std::string_view> pieces) {
    Nih nih;
    nih.boxes = with(nih.boxes, piece, other);
    nih.write();
    expect_refused([&] { (void)nih.prepared(); }, pieces);
  };
  for (const char* value : {"nan", "", "null", "inf", "-86.8", "0", "1e999"}) {
    refused_box("86.7796610169491", value, {"BBox_List_2017.csv: row 1 (line 2)", "column 'w'"});
  }
  for (const char* value : {"nan", "", "-1"}) refused_box("225.084745762712", value, {"row 1", "column 'Bbox [x'"});
  refused_box("86.7796610169491", "1000000000", {"row 1", "1024 x 1024"});
  refused_box("0,900,1024,124", "0,900,1024,130", {"row 2", "1024 x 1024"});
  refused_box("Infiltrate", "canary", {"row 1", "'Finding Label'"});
  Nih both;
  both.tested += "00000001_001.png\n";
  both.write();
  expect_refused([&] { (void)both.prepared(); }, {"row 2", "both train_val_list.txt and test_list.txt"});
  const Nih list;
  std::filesystem::rename(list.layout.path() / "test_list.txt", list.layout.path() / "test_lists.txt");
  expect_refused([&] { (void)list.prepared(); }, {"test_list.txt", "'test_lists.txt'"});
  expect_refused([&] { (void)Nih().prepared({.subsets = mgca::Subsets::as_published}); }, {"nih", "by_patient"});
}

TEST_CASE("nih: real names, labels and boxes of the sample set give its counts", "[data][slow]") {
  const RawDownload layout;
  auto labels = mgca::io::CsvTable::read(nih_mini() / "labels.csv");
  const auto image = labels.column("image"), patient = labels.column("patient"), age = labels.column("age"), sex = labels.column("sex"),
             view = labels.column("view"), split = labels.column("split");
  std::string table = kNihHeader, learned, tested;
  std::map<std::string, std::size_t> columns;
  for (const auto name : mgca::data::kNihLabels) columns[std::string(name)] = labels.column(name);
  std::map<std::string, std::int64_t> positive;
  labels.for_each([&](const mgca::io::CsvRow& row) {
    const auto name = std::filesystem::path(row.at(image)).stem().string() + ".png";
    std::string findings;
    for (const auto& [label, column] : columns) {
      if (row.at(column) != "1") continue;
      findings += (findings.empty() ? "" : "|") + label;
      ++positive[label];
    }
    table += name + "," + (findings.empty() ? "No Finding" : findings) + ",0," + std::to_string(std::stoi(row.at(patient))) + "," +
             row.at(age) + "," + row.at(sex) + "," + row.at(view) + ",2500,2048,0.168,0.168,\n";
    (row.at(split) == "test" ? tested : learned) += name + "\n";
    layout.write("images/" + name, "");
  });
  auto boxes = mgca::io::CsvTable::read(nih_mini() / "boxes.csv");
  std::string list = "Image Index,Finding Label,Bbox [x,y,w,h],,,\n";
  boxes.for_each([&](const mgca::io::CsvRow& row) {
    list += std::filesystem::path(row.at(boxes.column("image"))).stem().string() + ".png," + row.at(boxes.column("label"));
    for (const char* side : {"x", "y", "w", "h"}) {
      list += "," + std::to_string(*row.number_at(boxes.column(side)) * 6.4);  // 160 to 1024 pixels
    }
    list += "\n";
  });
  layout.write("Data_Entry_2017.csv", table);
  layout.write("BBox_List_2017.csv", list);
  layout.write("train_val_list.txt", learned);
  layout.write("test_list.txt", tested);
  auto raw = layout.raw();
  const auto set = prepare_nih(raw, {});
  CHECK(set.studies.size() == 1210);
  CHECK(count_of(set.studies, "test") == 258);
  CHECK(std::count_if(set.studies.begin(), set.studies.end(), [](const Study& s) { return s.sex == Sex::female; }) == 552);
  std::size_t found_boxes = 0;
  std::map<std::string, std::int64_t> found;
  for (const auto& study : set.studies) {
    found_boxes += study.boxes.size();
    for (std::size_t i = 0; i < study.labels.size(); ++i) {
      if (study.labels[i] == 1) ++found[set.label_names[i]];
    }
  }
  CHECK(found_boxes == 49);
  CHECK(found == positive);
  CHECK(set.expected[2].found == 952);
  CHECK(mgca::data::shared_patients(set.studies).empty());
  CHECK(set.dropped.empty());
}

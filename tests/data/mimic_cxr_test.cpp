#include "catch.hpp"
#include "expect_error.hpp"
#include "gzip_text.hpp"
#include "mimic_layout.hpp"
#include "raw_download.hpp"

#include <mgca/data/prepared_folder.hpp>
#include <mgca/data/sources/mimic_cxr.hpp>

#include <algorithm>
#include <cmath>

using mgca::test::dropped;
using mgca::test::expect_error;
using mgca::test::found;
using mgca::test::MimicLayout;
namespace data = mgca::data;

namespace {

mgca::Prepared prepare_cxr(const MimicLayout& layout, const mgca::PrepareOptions& options = {}) {
  mgca::RawFolder raw(layout.scratch.path());
  return data::prepare_mimic_cxr(raw, options);
}

std::string message_of(const MimicLayout& layout) {
  try {
    (void)prepare_cxr(layout);
  } catch (const mgca::Error& error) {
    return error.what();
  }
  return "";
}

void expect_no_canary(const std::string& text) {
  for (const auto& word : mgca::test::mimic_canaries()) {
    INFO(word);
    CHECK(text.find(word) == std::string::npos);
  }
}

}  // namespace

TEST_CASE("mimic_cxr: frontal radiographs with a report become pairs, everything else is counted by its reason", "[data][fast]") {
  MimicLayout layout;
  layout.write_all();
  const auto set = prepare_cxr(layout);
  REQUIRE(set.studies.size() == 7);
  const std::vector<std::string> reports{"No acute process. The lungs are clear. Canarybravo 4.5 cm  away.",
                                         "Small effusion.",
                                         "Heart size \"normal\", lungs clear.",
                                         "Heart size \"normal\", lungs clear.",
                                         "Edema, caf\xEF\xBF\xBD.",
                                         "Normal chest.",
                                         "Canaryecho"};  // a portable chest's text is its findings
  const std::vector<std::size_t> images{0, 2, 3, 4, 5, 6, 10};
  for (std::size_t i = 0; i < images.size(); ++i) {
    const auto& image = layout.images[images[i]];
    CHECK(set.studies[i].report == reports[i]);
    CHECK(set.studies[i].image == MimicLayout::image_of(image));
    CHECK(set.studies[i].patient == image.subject);
    CHECK(set.studies[i].view == mgca::view_of(image.view));
    CHECK(set.studies[i].split == (image.split == "train" ? "train" : "valid"));
  }
  CHECK(dropped(set, "the view is neither PA nor AP") == 2);
  CHECK(dropped(set, "the report has neither impression nor findings") == 2);
  CHECK(dropped(set, "the study has no report file") == 0);
  CHECK(dropped(set, "the study is one of the 54 whose report only a rule of its own cuts") == 2);
  CHECK(set.studies.size() + 2 + 2 + 2 == layout.images.size());
}

TEST_CASE("mimic_cxr: the paper keeps the test set apart, published subsets are the whole training set", "[data][fast]") {
  MimicLayout layout;
  layout.write_all();
  const auto set = prepare_cxr(layout, {.protocol = mgca::DataProtocol::paper, .subsets = mgca::Subsets::as_published});
  std::map<std::string, int> splits;
  for (const auto& study : set.studies) {
    ++splits[study.split];
    CHECK(study.percent == (study.split == "train" ? 1 : 0));
  }
  CHECK(splits == std::map<std::string, int>{{"train", 5}, {"valid", 1}, {"test", 1}});
}

TEST_CASE("mimic_cxr: labels join by patient and study, what is uncertain or blank is unknown", "[data][fast]") {
  MimicLayout layout;
  layout.write_all();
  const auto set = prepare_cxr(layout);
  REQUIRE(set.label_names.size() == 14);
  CHECK(set.label_names[9] == "Pleural Effusion");
  CHECK(set.studies[2].labels[0] == 1.0F);
  CHECK(set.studies[2].labels[1] == 0.0F);
  CHECK(std::isnan(set.studies[2].labels[7]));
  for (std::size_t c = 0; c < 14; ++c) CHECK(std::isnan(set.studies[1].labels[c]) == (c != 11));
  CHECK(std::isnan(set.studies.back().labels[0]));
  std::filesystem::remove(layout.scratch / layout.table("chexpert"));
  CHECK(prepare_cxr(layout).label_names.empty());
}

TEST_CASE("mimic_cxr: counts are held against the published ones", "[data][fast]") {
  MimicLayout layout;
  layout.write_all();
  const auto set = prepare_cxr(layout);
  CHECK(found(set, "rows of the metadata") == 13);
  CHECK(found(set, "rows of the table of splits") == 13);
  CHECK(found(set, "studies") == 11);
  CHECK(found(set, "patients") == 7);
  CHECK(found(set, "radiographs of the views PA and AP") == 11);
  CHECK(found(set, "rows of labels") == 6);
}

TEST_CASE("mimic_cxr: tables as PhysioNet compresses them and reports in a folder of their own give the same", "[data][fast]") {
  MimicLayout plain, packed;
  plain.write_all();
  packed.write_images();
  packed.write_reports("mimic-cxr-reports/");
  packed.write(packed.table("metadata") + ".gz", mgca::test::gzip_text(packed.metadata()));
  packed.write(packed.table("split") + ".gz", mgca::test::gzip_text(packed.splits()));
  packed.write(packed.table("chexpert") + ".gz", mgca::test::gzip_text(packed.labels));
  const auto a = prepare_cxr(plain), b = prepare_cxr(packed);
  REQUIRE(a.studies.size() == b.studies.size());
  for (std::size_t i = 0; i < a.studies.size(); ++i) {
    CHECK(a.studies[i].image == b.studies[i].image);
    CHECK(a.studies[i].report == b.studies[i].report);
    CHECK(a.studies[i].split == b.studies[i].split);
  }
  CHECK(std::count(a.notes.begin(), a.notes.end(), "10 reports were read from files.") == 1);
  CHECK(std::count(b.notes.begin(), b.notes.end(), "10 reports were read from mimic-cxr-reports/files.") == 1);
}

TEST_CASE("mimic_cxr: the folder above, as wget leaves it, will do", "[data][fast]") {
  MimicLayout layout;
  layout.base = "mimic-cxr-jpg/2.0.0/";
  layout.write_tables();
  layout.write_images();
  layout.write_reports("mimic-cxr/2.0.0/");
  const auto set = prepare_cxr(layout);
  CHECK(set.studies.size() == 7);
  CHECK(set.studies[0].image == "mimic-cxr-jpg/2.0.0/" + MimicLayout::image_of(layout.images[0]));
}

TEST_CASE("mimic_cxr: rows given twice and rows without counterpart are counted, contradictions refused", "[data][fast]") {
  MimicLayout layout;
  layout.write_all();
  auto more = layout.metadata();
  const auto row = [&](std::size_t i, const std::string& dicom) {
    const auto& image = layout.images[i];
    return (dicom.empty() ? image.dicom : dicom) + "," + image.subject + "," + image.study + ",,PA,1,1,1,1,,,\n";
  };
  layout.write(layout.table("metadata"), more + row(0, "") + row(0, "bbbb"));
  layout.write(layout.table("split"), layout.splits() + "aaaa0001-02aa804e,50414267,10000032,train\ncccc,50414267,10000032,test\n");
  layout.write(layout.table("chexpert"), layout.labels + "10000032,50414267,,,,,,,,,1.0,,,,,\n");
  const auto set = prepare_cxr(layout);
  CHECK(set.studies.size() == 7);
  CHECK(dropped(set, "a second row of the same image in the metadata") == 1);
  CHECK(dropped(set, "no row in the table of splits") == 1);
  CHECK(dropped(set, "a second row of the same image in the table of splits") == 1);
  CHECK(dropped(set, "a row of the table of splits without one in the metadata") == 1);
  CHECK(dropped(set, "a second row of labels of the same study") == 1);
  layout.write(layout.table("split"), layout.splits() + "aaaa0001-02aa804e,50414267,10000032,test\n");
  expect_error([&] { (void)prepare_cxr(layout); }, {"mimic-cxr-2.0.0-split.csv: row 14", "in another split"});
}

TEST_CASE("mimic_cxr: a study without report is left out and counted, a folder without any is refused", "[data][fast]") {
  MimicLayout layout;
  layout.reports.erase("53189527");
  layout.write_all();
  const auto set = prepare_cxr(layout);
  CHECK(set.studies.size() == 6);
  CHECK(dropped(set, "the study has no report file") == 1);
  MimicLayout none;
  none.write_tables();
  none.write_images();
  expect_error([&] { (void)prepare_cxr(none); }, {"holds no report", "mimic-cxr-reports.zip"});
}

TEST_CASE("mimic_cxr: wrong tables are named with row, column and the nearest names", "[data][fast]") {
  MimicLayout layout;
  layout.write_all();
  layout.write(layout.table("metadata"), "dicom_id,subject_id,study_id,View_Position\na,10,50,PA\n");
  expect_error([&] { (void)prepare_cxr(layout); },
               {"mimic-cxr-2.0.0-metadata.csv", "no column 'ViewPosition'", "did you mean 'View_Position'?"});
  layout.write(layout.table("metadata"), "dicom_id,subject_id,study_id,ViewPosition\na,../..,50,PA\n");
  expect_error([&] { (void)prepare_cxr(layout); }, {"row 1 (line 2)", "'subject_id'", "2 to 16 digits"});
  layout.write(layout.table("metadata"), "dicom_id,subject_id,study_id,ViewPosition\n../a,10,50,PA\n");
  expect_error([&] { (void)prepare_cxr(layout); }, {"row 1 (line 2)", "'dicom_id'"});
  layout.write_tables();
  layout.write(layout.table("split"), "dicom_id,study_id,subject_id,split\na,50,10,training\n");
  expect_error([&] { (void)prepare_cxr(layout); }, {"'split'", "train, validate or test"});
  layout.write_tables();
  layout.write(layout.table("chexpert"), "subject_id,study_id,Edema\n10000032,50414267,2\n");
  expect_error([&] { (void)prepare_cxr(layout); }, {"chexpert.csv: row 1", "'Edema'", "1, 0, -1 or nothing"});
  layout.write_tables();
  std::filesystem::rename(layout.scratch / layout.table("split"), layout.scratch / "mimic-cxr-2.0.0-splits.csv");
  expect_error([&] { (void)prepare_cxr(layout); }, {"mimic-cxr-2.0.0-split.csv", "there is no such file", "mimic-cxr-2.0.0-splits.csv"});
  layout.write_tables();
  std::filesystem::remove(layout.scratch / layout.table("split"));
  layout.write(layout.table("split") + ".gz", mgca::test::gzip_text(layout.splits()).substr(0, 60));
  expect_error([&] { (void)prepare_cxr(layout); }, {"mimic-cxr-2.0.0-split.csv.gz", "ends too early", "download it again"});
}

TEST_CASE("mimic_cxr: no text and no patient is in errors or the manifest", "[data][fast]") {
  MimicLayout layout;
  layout.write_all();
  mgca::RawFolder raw(layout.scratch.path());
  const auto set = data::prepare_mimic_cxr(raw, {});
  const mgca::test::Scratch out;
  (void)data::write_prepared(set, raw, {}, out.path());
  expect_no_canary(mgca::read_text_file(out / "manifest.json"));
  const mgca::PairStudies back(data::pairs_of(out.path(), data::read_prepared(out.path())));
  REQUIRE(back.size() == 7);
  CHECK(back.record(0).report == set.studies[0].report);
  CHECK(back.image(6).height() > 0);

  const auto name = MimicLayout::folder("14000980") + "/s50985099.txt";
  const auto report = layout.scratch / name;
  std::filesystem::remove(report);
  std::filesystem::create_directory(report);
  expect_no_canary(message_of(layout));
  CHECK(message_of(layout).find("metadata.csv: row 8: the report of this study") != std::string::npos);
  std::filesystem::remove(report);
  std::filesystem::create_symlink("/etc/hostname", report);
  expect_no_canary(message_of(layout));
  CHECK(message_of(layout).find("a link out of the raw folder") != std::string::npos);
  std::filesystem::remove(report);
  layout.write(name, std::string((std::size_t{4} << 20) + 1, 'x'));
  CHECK(message_of(layout).find("larger than 4194304 bytes") != std::string::npos);
  layout.write(name, "x");
  std::filesystem::remove(layout.scratch / MimicLayout::image_of(layout.images[0]));
  CHECK(message_of(layout).find("1 are not there") != std::string::npos);
  expect_no_canary(message_of(layout));
  CHECK(prepare_cxr(layout, {.missing_images = mgca::MissingImages::drop}).studies.size() == 6);
}

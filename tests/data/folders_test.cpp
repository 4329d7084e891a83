#include "raw_download.hpp"

#include <mgca/data/sources/folders.hpp>

using mgca::FoldersConfig;
using mgca::Study;
using mgca::data::prepare_folders;
using mgca::test::count_of;
using mgca::test::expect_refused;
using mgca::test::RawDownload;

namespace {

mgca::Prepared prepared(const RawDownload& layout, const FoldersConfig& config = {}, const mgca::PrepareOptions& options = {}) {
  auto raw = layout.raw();
  return prepare_folders(raw, config, options);
}

}  // namespace

TEST_CASE("folders: classes in folders of splits become labels and splits, other files are counted", "[data][fast]") {
  const RawDownload layout;
  for (const char* name : {"train/NORMAL/a.jpeg", "train/PNEUMONIA/b.PNG", "train/PNEUMONIA/more/c.dcm", "val/NORMAL/d.jpg",
                           "test/NORMAL/e.png", "test/PNEUMONIA/f.png"}) {
    layout.picture(name);
  }
  for (const char* name : {"README.txt", "train/.DS_Store", "train/NORMAL/Thumbs.db"}) layout.write(name, "x");
  layout.picture("train/loose.png");
  const auto set = prepared(layout);
  CHECK(set.label_names == std::vector<std::string>{"NORMAL", "PNEUMONIA"});
  REQUIRE(set.studies.size() == 6);
  CHECK(count_of(set.studies, "train") == 3);
  CHECK(count_of(set.studies, "valid") == 1);
  CHECK(count_of(set.studies, "test") == 2);
  for (const auto& study : set.studies) {
    const bool normal = study.image.generic_string().find("NORMAL") != std::string::npos;
    CHECK(study.labels == std::vector<float>{normal ? 1.0F : 0.0F, normal ? 0.0F : 1.0F});
    CHECK(study.patient == study.image.generic_string());
  }
  CHECK(set.dropped == std::vector<mgca::DroppedRows>{{"not a .png, .jpg, .jpeg or .dcm file", 3, ""},
                                                      {"a picture outside the folders of classes", 1, ""}});
  CHECK(std::find(set.notes.begin(), set.notes.end(), "valid has pictures of 1 of the 2 classes.") != set.notes.end());
}

TEST_CASE("folders: without folders of splits whole patients are divided by the seed", "[data][fast]") {
  const RawDownload layout;
  for (int i = 0; i < 200; ++i) {
    layout.write((i % 2 == 0 ? "sick/p" : "well/p") + std::to_string(i / 4) + "_" + std::to_string(i) + ".png", "");
  }
  const auto set = prepared(layout, {.patient_separator = "_"}), other = prepared(layout, {.patient_separator = "_"}, {.seed = 9});
  CHECK(set.studies.size() == 200);
  CHECK(mgca::data::shared_patients(set.studies).empty());
  CHECK(count_of(set.studies, "train") > 100);  // 140 expected
  CHECK(count_of(set.studies, "test") > 10);    // 40 expected
  CHECK(std::any_of(set.studies.begin(), set.studies.end(), [](const Study& s) { return s.patient == "p49"; }));
  CHECK(count_of(set.studies, "train") + count_of(set.studies, "valid") + count_of(set.studies, "test") == 200);
  CHECK(count_of(other.studies, "train") != count_of(set.studies, "train"));
  CHECK(count_of(prepared(layout, {.train = 1, .valid = 0}).studies, "train") == 200);
}

TEST_CASE("folders: the patient ends at the separator, and shows where it stands in two splits", "[data][fast]") {
  const RawDownload layout;
  for (const char* name : {"train/a/p1-x.png", "train/a/p2.png", "test/a/p1-y.png"}) layout.picture(name);
  const auto set = prepared(layout, {.patient_separator = "-"});
  CHECK(mgca::data::shared_patients(set.studies) == std::vector<mgca::SharedPatients>{{"test", "train", 1}});
  CHECK(std::any_of(set.studies.begin(), set.studies.end(), [](const Study& s) { return s.patient == "p2"; }));
  CHECK(mgca::data::shared_patients(prepared(layout).studies).empty());
  layout.picture("train/a/-z.png");
  CHECK(prepared(layout, {.patient_separator = "-"}).dropped.back().rows == 1);
}

TEST_CASE("folders: folders of splits beside others, no picture and impossible shares are refused", "[data][fast]") {
  const RawDownload layout;
  layout.write("a.txt", "x");
  expect_refused([&] { (void)prepared(layout); }, {"no study of folders is left"});
  layout.picture("train/a/1.png");
  layout.picture("pneumonia/1.png");
  expect_refused([&] { (void)prepared(layout); }, {"'train' names a split", "only folders"});
  expect_refused([&] { (void)prepared(layout, {.train = 0.8, .valid = 0.3}); }, {"at most 1"});
  expect_refused([&] { (void)prepared(layout, {}, {.subsets = mgca::Subsets::as_published}); }, {"folders", "by_patient"});
}

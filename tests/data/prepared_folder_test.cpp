#include "catch.hpp"
#include "expect_error.hpp"
#include "pair_folder.hpp"

#include <mgca/data/prepared_folder.hpp>

using mgca::test::expect_error;
using mgca::test::write_text;
namespace data = mgca::data;

namespace {

struct Raw {
  mgca::test::PairFolder pictures{"image,report\n"};
  mgca::RawFolder folder{pictures.scratch.path()};
  mgca::test::Scratch out;

  [[nodiscard]] mgca::Prepared set() const {
    mgca::Prepared set{.name = "tiny", .has_reports = true, .label_names = {"Edema", "Mass"}};
    set.studies = {{.image = "a.png", .report = "clear, \"dry\" lungs", .patient = "p1", .split = "train", .view = mgca::View::pa, .age = 61.5, .sex = mgca::Sex::female,
                    .labels = {1, mgca::kUnknownLabel}, .boxes = {{"Mass", {1, 2, 5.25, 7}}}, .mask = mgca::RunLengthMask{.height = 8, .width = 8, .runs = {{3, 2}, {60, 4}}}},
                   {.image = "b.png", .report = "x", .patient = "p2", .split = "valid", .labels = {0, 0}},
                   {.image = "c.png", .report = "x", .patient = "p1", .split = "test", .labels = {0, 1}, .mask = mgca::RunLengthMask{.height = 4, .width = 6, .runs = {}}}};
    set.drop("no report", "raw.csv: row 4");
    set.drop("no report", "raw.csv: row 9");
    set.expect("rows", 5, 3);
    return set;
  }
};

}  // namespace

TEST_CASE("prepared_folder: what is written is read back as the same studies", "[data][fast]") {
  Raw raw;
  auto set = raw.set();
  data::complete(set, raw.folder, {});
  const auto written = data::write_prepared(set, raw.folder, {}, raw.out.path());
  CHECK(written.changed);
  const auto manifest = data::read_prepared(raw.out.path());
  CHECK(mgca::to_json_text(manifest) == mgca::to_json_text(written.manifest));
  const mgca::PairStudies back(data::pairs_of(raw.out.path(), manifest));
  REQUIRE(back.size() == 3);
  for (std::int64_t i = 0; i < 3; ++i) {
    const auto &a = set.studies[static_cast<std::size_t>(i)], &b = back.record(i);
    CHECK((a.image == b.image && a.report == b.report && a.patient == b.patient && a.split == b.split && a.view == b.view && a.age == b.age && a.sex == b.sex));
    CHECK((a.percent == b.percent && a.boxes == b.boxes && a.mask == b.mask));
    for (std::size_t c = 0; c < 2; ++c) CHECK((a.labels[c] == b.labels[c] || (std::isnan(a.labels[c]) && std::isnan(b.labels[c]))));
    CHECK(back.image(i).height() == 8);
  }
  CHECK(manifest.splits.at("train").studies == 1);
  CHECK(manifest.subsets.at("100") == mgca::StudyCount{1, 1, manifest.splits.at("train").sha256});
  CHECK(manifest.shared_patients == std::vector<mgca::SharedPatients>{{"test", "train", 1}});
  CHECK(manifest.labels.at("Mass") == mgca::LabelCount{.present = 1, .absent = 1, .unknown = 1});
  CHECK(manifest.dropped == std::vector<mgca::DroppedRows>{{"no report", 2, "raw.csv: row 4"}});
  CHECK(manifest.expected == std::vector<mgca::ExpectedCount>{{"rows", 5, 3}});
}

TEST_CASE("prepared_folder: preparing again changes no file, preparing otherwise changes what it must", "[data][fast]") {
  Raw raw;
  auto set = raw.set();
  data::complete(set, raw.folder, {});
  (void)data::write_prepared(set, raw.folder, {}, raw.out.path());
  const auto before = std::filesystem::last_write_time(raw.out / "studies.csv");
  CHECK_FALSE(data::write_prepared(set, raw.folder, {}, raw.out.path()).changed);
  CHECK(std::filesystem::last_write_time(raw.out / "studies.csv") == before);
  const auto decided = mgca::read_text_file(raw.out / "masks.csv");
  CHECK(decided.starts_with("image,height,width,runs\n"));
  set.studies[0].undecided = mgca::RunLengthMask{.height = 8, .width = 8, .runs = {{9, 3}}};
  CHECK(data::write_prepared(set, raw.folder, {}, raw.out.path()).changed);
  const mgca::PairStudies unsure(data::pairs_of(raw.out.path(), data::read_prepared(raw.out.path())));
  CHECK((unsure.record(0).undecided == set.studies[0].undecided && unsure.record(0).mask == set.studies[0].mask && !unsure.record(2).undecided));
  for (auto& study : set.studies) study.boxes.clear();
  CHECK(data::write_prepared(set, raw.folder, {}, raw.out.path()).changed);
  CHECK_FALSE(std::filesystem::exists(raw.out / "boxes.csv"));  // nothing of the earlier preparation stays
  CHECK_FALSE(mgca::PairStudies(data::pairs_of(raw.out.path(), data::read_prepared(raw.out.path()))).size() == 0);
  set.name = "other";
  expect_error([&] { (void)data::write_prepared(set, raw.folder, {}, raw.out.path()); }, {"holds the prepared data set tiny", "choose another folder for other"});
}

TEST_CASE("prepared_folder: a changed table and a folder that is none are refused by name", "[data][fast]") {
  Raw raw;
  auto set = raw.set();
  data::complete(set, raw.folder, {});
  (void)data::write_prepared(set, raw.folder, {}, raw.out.path());
  write_text(raw.out / "labels.csv", "image,Edema,Mass\n");
  expect_error([&] { (void)data::read_prepared(raw.out.path()); }, {"labels.csv", "is not as it was prepared", "prepare the folder again"});
  const mgca::test::Scratch empty;
  expect_error([&] { (void)data::read_prepared(empty.path()); }, {"holds no manifest.json", "mgca prepare"});
  write_text(empty / "manifest.json", "{\"format\": 2}");
  expect_error([&] { (void)data::read_prepared(empty.path()); }, {"manifest.json", "format 2"});
}

TEST_CASE("prepared_folder: the manifest holds no report and no patient", "[data][fast]") {
  Raw raw;
  auto set = raw.set();
  for (auto& study : set.studies) study.report = study.patient = "CANARY" + study.image.string();
  data::complete(set, raw.folder, {});
  (void)data::write_prepared(set, raw.folder, {}, raw.out.path());
  CHECK(mgca::read_text_file(raw.out / "manifest.json").find("CANARY") == std::string::npos);
}

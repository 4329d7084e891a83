#include "catch.hpp"
#include "expect_error.hpp"
#include "mimic_layout.hpp"

#include <mgca/data/sources/mimic_labels.hpp>

#include <map>
#include <string>
#include <vector>

using mgca::test::MimicLayout;

namespace {

mgca::Prepared prepare_labels(const MimicLayout& layout, const mgca::PrepareOptions& options = {}) {
  mgca::RawFolder raw(layout.scratch.path());
  return mgca::data::prepare_mimic_labels(raw, options);
}

std::map<std::string, int> splits(const mgca::Prepared& set) {
  std::map<std::string, int> counts;
  for (const auto& study : set.studies) ++counts[study.split];
  return counts;
}

}  // namespace

TEST_CASE("mimic_labels: the pairs' radiographs get five labels by the mixed rule and no report", "[data][fast]") {
  MimicLayout layout;
  layout.write_all();
  const auto set = prepare_labels(layout);
  CHECK(set.label_names == std::vector<std::string>{"Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Pleural Effusion"});
  CHECK_FALSE(set.has_reports);
  REQUIRE(set.studies.size() == 6);
  CHECK(set.studies[0].labels == std::vector<float>{0, 0, 0, 0, 0});  // not mentioned
  CHECK(set.studies[1].labels == std::vector<float>{1, 0, 0, 1, 1});  // all uncertain
  CHECK(set.studies[2].labels == std::vector<float>{1, 0, 0, 0, 0});
  CHECK(set.studies[3].labels == set.studies[2].labels);  // the same study
  CHECK(set.studies[4].labels == std::vector<float>{0, 1, 0, 1, 0});
  for (const auto& study : set.studies) CHECK(study.report.empty());
  CHECK(splits(set) == std::map<std::string, int>{{"train", 4}, {"valid", 1}, {"test", 1}});
  bool counted = false;
  for (const auto& reason : set.dropped) counted = counted || (reason.reason == "the study has no row of labels" && reason.rows == 1);
  CHECK(counted);
}

TEST_CASE("mimic_labels: as published, the same radiographs are validation and test", "[data][fast]") {
  MimicLayout layout;
  layout.write_all();
  const auto set = prepare_labels(layout, {.leaks = mgca::Leaks::as_published});
  CHECK(splits(set) == std::map<std::string, int>{{"train", 4}, {"valid", 2}, {"test", 2}});
  CHECK(set.studies[4].image == set.studies[5].image);
  mgca::test::expect_error([&] { (void)prepare_labels(layout, {.protocol = mgca::DataProtocol::paper, .leaks = mgca::Leaks::as_published}); },
                           {"mimic-labels", "--protocol code"});
}

TEST_CASE("mimic_labels: published subsets are rows drawn as pandas draws them", "[data][fast]") {
  MimicLayout layout;
  layout.images.clear();
  layout.labels.resize(layout.labels.find('\n') + 1);
  for (int i = 0; i < 50; ++i) {
    const auto study = std::to_string(50000000 + i);
    layout.images.push_back({"a" + study, "10000032", study, "PA", "train"});
    layout.reports[study] = "\n IMPRESSION: Clear.\n";
    layout.labels += "10000032," + study + ",1.0,,,,,,,,,,,,,\n";
  }
  layout.write_all();
  const auto set = prepare_labels(layout, {.subsets = mgca::Subsets::as_published});
  std::vector<std::int64_t> tenth;
  for (const auto& study : set.studies) {
    if (study.percent <= 10) tenth.push_back(study.row - 1);
  }
  CHECK(tenth == std::vector<std::int64_t>{13, 17, 30, 39, 45});
}

TEST_CASE("mimic_labels: the table of labels must be there and have the five findings", "[data][fast]") {
  MimicLayout layout;
  layout.write_all();
  layout.write(layout.table("chexpert"), "subject_id,study_id,Atelectasis,Cardiomegaly,Consolidation,Edema,Effusion\n");
  mgca::test::expect_error([&] { (void)prepare_labels(layout); }, {"chexpert.csv", "no column 'Pleural Effusion'", "Known: "});
  std::filesystem::remove(layout.scratch / layout.table("chexpert"));
  mgca::test::expect_error([&] { (void)prepare_labels(layout); }, {"mimic-cxr-2.0.0-chexpert.csv", "there is no such file"});
}

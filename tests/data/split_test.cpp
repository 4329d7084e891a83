#include "catch.hpp"
#include "expect_error.hpp"
#include "pair_folder.hpp"

#include <mgca/core/config.hpp>
#include <mgca/data/split.hpp>

#include <cmath>
#include <set>

using mgca::SplitManifest;
using mgca::SplitRule;
using mgca::test::expect_error;
namespace data = mgca::data;

namespace {

struct Patients {
  std::vector<mgca::Study> studies;
  explicit Patients(int count, const std::optional<SplitRule>& rule = SplitRule(), int studies_each = 1) {
    for (int i = 0; i < count * studies_each; ++i) {
      mgca::Study study{.row = i + 1, .patient = "patient " + std::to_string(i % count)};
      study.split = rule ? data::split_of_patient(study.patient, *rule) : i % count % 2 == 0 ? "train" : "test";
      studies.push_back(study);
    }
  }
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(studies.size()); }
  [[nodiscard]] const mgca::Study& record(int64_t i) const { return studies[static_cast<std::size_t>(i)]; }
  [[nodiscard]] mgca::GreyImage image(int64_t) const { return {}; }
  [[nodiscard]] const std::vector<std::string>& label_names() const {
    static const std::vector<std::string> none;
    return none;
  }
};

template <class Part>
std::set<std::string> patients_of(const Part& part) {
  std::set<std::string> names;
  for (int64_t i = 0; i < part.size(); ++i) names.insert(part.record(i).patient);
  return names;
}

// Five standard deviations of a binomial count: one wrong alarm in a million.
double bound(double share, int n) { return 5 * std::sqrt(share * (1 - share) * n); }

}  // namespace

TEST_CASE("split: shares are met within binomial bounds under any seed", "[data][fast]") {
  const int n = 2000;
  for (const uint64_t seed : {0U, 123456U}) {
    for (const auto& [train, valid] : {std::pair(0.7, 0.1), std::pair(0.5, 0.25), std::pair(0.02, 0.0), std::pair(0.0, 1.0)}) {
      std::map<std::string, int> counts;
      for (int i = 0; i < n; ++i) ++counts[data::split_of_patient("patient " + std::to_string(i), {.train = train, .valid = valid, .seed = seed})];
      CHECK(std::abs(counts["train"] - train * n) <= bound(train, n));
      CHECK(std::abs(counts["valid"] - valid * n) <= bound(valid, n));
    }
  }
}

TEST_CASE("split: a patient's side depends on patient and seed alone, so more records move no old one", "[data][fast]") {
  const Patients few(200, SplitRule(), 3), more(900, SplitRule(), 2);
  std::map<std::string, std::string> side;
  for (const auto& study : few.studies) {
    CHECK(side.emplace(study.patient, study.split).first->second == study.split);  // never on both sides
  }
  for (const auto& study : more.studies) {
    if (const auto it = side.find(study.patient); it != side.end()) CHECK(it->second == study.split);
  }
  int moved = 0;
  for (const auto& [patient, split] : side) moved += split == data::split_of_patient(patient, {.seed = 1}) ? 0 : 1;
  CHECK(moved > 40);  // of 200, with another seed
}

TEST_CASE("split: the division is the same on every machine and in every version", "[data][fast]") {
  std::string sides;
  for (int i = 0; i < 40; ++i) sides += data::split_of_patient("patient " + std::to_string(i), {.train = 0.5, .valid = 0.25, .seed = 7})[1];
  CHECK(sides == "ereeeeaerrerrerrraraaaaarrreearaaererrre");
  CHECK(data::split_manifest(Patients(100), SplitRule()).list == "3aa131614cca04ba3b97685fc0cf5d3ab848f214fa70c10d3fe4831ad18c88dd");
}

TEST_CASE("split: shares that are none are refused", "[data][fast]") {
  expect_error([] { (void)data::split_of_patient("x", {.train = 0.9, .valid = 0.2}); }, {"0.9", "0.2"});
  expect_error([] { (void)data::split_of_patient("x", {.train = -0.1}); }, {"-0.1"});
  expect_error([] { (void)data::split_of_patient("x", {.train = std::nan("")}); }, {"nan"});
}

TEST_CASE("fraction: 1 % lies inside 10 %, whole patients, seeded, and more records move no old one", "[data][fast]") {
  const Patients all(1000, std::nullopt, 2);
  for (const uint64_t seed : {0U, 5U}) {
    std::set<std::string> inner;
    for (const double share : {0.01, 0.1, 0.5, 1.0}) {
      const auto part = data::fraction(all, {.share = share, .seed = seed});
      const auto patients = patients_of(part);
      CHECK(part.size() == 2 * static_cast<int64_t>(patients.size()));  // both studies of each
      CHECK(std::abs(static_cast<double>(patients.size()) - share * 1000) <= bound(share, 1000));
      CHECK(std::includes(patients.begin(), patients.end(), inner.begin(), inner.end()));
      for (int64_t i = 1; i < part.size(); ++i) REQUIRE(part.original(i - 1) < part.original(i));
      inner = patients;
    }
  }
  const auto ten = patients_of(data::fraction(all, {.share = 0.1})), other = patients_of(data::fraction(all, {.share = 0.1, .seed = 1}));
  CHECK(ten != other);
  const Patients fewer(300, std::nullopt);
  for (const auto& patient : patients_of(data::fraction(fewer, {.share = 0.1}))) CHECK(ten.contains(patient));
}

TEST_CASE("fraction: it does not follow the split drawn with the same seed", "[data][fast]") {
  const Patients all(4000);
  const auto train = mgca::split_of(all, "train");
  const auto part = patients_of(data::fraction(train, {.share = 0.5}));
  const auto n = static_cast<int>(train.size());
  CHECK(std::abs(static_cast<double>(part.size()) - 0.5 * n) <= bound(0.5, n));  // with one draw for both it were five sevenths
}

TEST_CASE("fraction: what cannot be drawn is refused", "[data][fast]") {
  Patients all(20);
  for (const double share : {0.0, -0.1, 1.1, std::nan("")}) {
    expect_error([&] { (void)data::fraction(all, {.share = share}); }, {"share above 0"});
  }
  expect_error([&] { (void)data::fraction(all, {.share = 1e-9}); }, {"no patient", "larger share"});
  all.studies[4].patient.clear();
  expect_error([&] { (void)data::fraction(all, {.share = 1.0}); }, {"row 5", "patient column"});
}

TEST_CASE("subset of percent: the smaller lie in the larger, and only the split train is drawn from", "[data][fast]") {
  Patients all(12, std::nullopt);  // even ones are "train"
  for (std::size_t i = 0; i < 12; ++i) all.studies[i].percent = i < 2 ? 1 : i < 6 ? 10 : i < 9 ? 100 : 0;
  const auto rows = [&](int percent) {
    const auto subset = data::subset_of_percent(all, percent);
    std::vector<int64_t> list;
    for (int64_t i = 0; i < subset.size(); ++i) list.push_back(subset.record(i).row);
    return list;
  };
  CHECK(rows(1) == std::vector<int64_t>{1});
  CHECK(rows(10) == std::vector<int64_t>{1, 3, 5});
  CHECK(rows(100) == std::vector<int64_t>{1, 3, 5, 7, 9});  // row 11 belongs to no subset
  expect_error([&] { (void)data::subset_of_percent(all, 5); }, {"1, 10 or 100", "got 5"});
  for (auto& study : all.studies) study.percent = std::min(study.percent, study.row == 1 ? 0 : 100);
  expect_error([&] { (void)data::subset_of_percent(all, 1); }, {"1 % subset", "larger one"});
  for (auto& study : all.studies) study.percent = 0;
  CHECK(rows(100).size() == 6);
  expect_error([&] { (void)data::subset_of_percent(all, 10); }, {"no column percent", "mgca prepare"});
}

TEST_CASE("patient groups: one number a patient, and one for every record without", "[data][fast]") {
  Patients all(3, std::nullopt, 2);  // patients 0 1 2 0 1 2
  CHECK(data::patient_groups(all, {0, 1, 3, 4, 2}) == std::vector<int64_t>{0, 1, 0, 1, 2});
  for (const std::size_t i : {1U, 4U}) all.studies[i].patient.clear();
  CHECK(data::patient_groups(all, {0, 1, 3, 4}) == std::vector<int64_t>{0, 1, 0, 2});
}

TEST_CASE("split manifest: it survives JSON, names no patient, and recognises its data", "[data][fast]") {
  const Patients drawn(60, SplitRule{.seed = 3}, 2);
  const auto manifest = data::split_manifest(drawn, SplitRule{.seed = 3});
  CHECK(manifest.patients.at("train") + manifest.patients.at("valid") + manifest.patients.at("test") == 60);
  CHECK(manifest.studies.at("train") == 2 * manifest.patients.at("train"));
  const auto text = mgca::to_json_text(manifest);
  CHECK(text.find("patient ") == std::string::npos);
  const auto read = mgca::from_json_text<SplitManifest>(text, "split.json");
  CHECK(read == manifest);
  CHECK_NOTHROW(data::require_same_split(drawn, read, "split.json"));

  const auto given = data::split_manifest(drawn);  // the same split, told rather than drawn
  CHECK_FALSE(given.rule.has_value());
  CHECK(given.list == manifest.list);
  CHECK(mgca::from_json_text<SplitManifest>(mgca::to_json_text(given), "split.json") == given);

  auto reversed = drawn;
  std::reverse(reversed.studies.begin(), reversed.studies.end());
  CHECK(data::split_manifest(reversed).list == given.list);
}

TEST_CASE("split manifest: other data are refused with what differs", "[data][fast]") {
  const Patients told(40, std::nullopt);
  const auto manifest = data::split_manifest(told);
  expect_error([&] { data::require_same_split(Patients(41, std::nullopt), manifest, "split.json"); }, {"split.json: patients differ", "train 20", "train 21"});
  auto doubled = told;
  doubled.studies.push_back(told.studies[0]);
  expect_error([&] { data::require_same_split(doubled, manifest, "split.json"); }, {"split.json: studies differ", "train 20", "train 21"});
  auto swapped = told;
  std::swap(swapped.studies[0].split, swapped.studies[1].split);
  expect_error([&] { data::require_same_split(swapped, manifest, "split.json"); }, {"split.json", "not the same ones", manifest.list.substr(0, 12)});
  expect_error([&] { (void)data::split_manifest(told, SplitRule()); }, {"row ", "not what the rule gives"});
  auto both = told;
  both.studies.push_back(told.studies[2]);
  both.studies.back().row = 99;
  both.studies.back().split = "test";
  expect_error([&] { (void)data::split_manifest(both); }, {"rows 3 and 99", "two splits"});
  both.studies.back().patient.clear();
  expect_error([&] { (void)data::split_manifest(both); }, {"row 99 has no patient"});
  expect_error([&] { (void)mgca::from_json_text<SplitManifest>(R"({"list": "12"})", "split.json"); }, {"split.json", "64 hexadecimal"});
  expect_error([&] { (void)mgca::from_json_text<SplitManifest>(R"({"lists": ""})", "split.json"); }, {"split.json", "/lists", "unknown key"});
}

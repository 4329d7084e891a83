// Splits by patient: no patient is on both sides, and the division is a function of (patient, seed) alone, so adding
// records never moves old ones.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/hash.hpp>
#include <mgca/data/dataset.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

struct SplitRule {
  double train = 0.7;  // share of the patients
  double valid = 0.1;  // the rest is test
  std::uint64_t seed = 0;

  static void describe(auto& self, auto&& field) {
    field("train", self.train, "share of the patients for training");
    field("valid", self.valid, "share for validation; the rest is test");
    field("seed", self.seed, "another seed, another division");
  }
  void validate() const {
    MGCA_CHECK(train >= 0 && valid >= 0 && train + valid <= 1, "split: shares must be 0 or more and at most 1 together, got ", train, " and ", valid);
  }
  friend bool operator==(const SplitRule&, const SplitRule&) = default;
};

// What was divided how, to be kept beside results and compared later: the `describe` list makes it JSON.
// It names no patient, not even by hash: patient numbers are few and short, so a hash of one is found by trying all.
struct SplitManifest {
  std::optional<SplitRule> rule;                       // none: the split came with the data
  std::map<std::string, std::int64_t> patients, studies;  // in each split
  std::string list;                                    // SHA-256 over the sorted pairs of patient and split

  static void describe(auto& self, auto&& field) {
    field("rule", self.rule, "how it was drawn; null: it came with the data");
    field("patients", self.patients, "patients in each split");
    field("studies", self.studies, "studies in each split");
    field("list", self.list, "SHA-256 over the sorted pairs of patient and split");
  }
  void validate() const {
    if (rule) rule->validate();
    MGCA_CHECK(list.size() == 64 && list.find_first_not_of("0123456789abcdef") == std::string::npos,
               "split manifest: list must be 64 hexadecimal digits, got ", list.size(), " characters");
  }
  friend bool operator==(const SplitManifest&, const SplitManifest&) = default;
};

namespace data {

namespace detail {
// Where a patient stands in [0, 1) under a seed; two uses of one seed are independent.
inline double place_of_patient(std::string_view patient, std::string_view use_and_seed) {
  const auto digest = sha256(std::string(use_and_seed) + ":" + std::string(patient));
  return static_cast<double>(std::stoull(digest.substr(0, 13), nullptr, 16)) / static_cast<double>(std::uint64_t{1} << 52);
}
}  // namespace detail

// "train", "valid" or "test" for a patient. Throws Error(argument) for a rule that is none.
[[nodiscard]] inline std::string split_of_patient(std::string_view patient, const SplitRule& rule) {
  rule.validate();
  const double place = detail::place_of_patient(patient, std::to_string(rule.seed));
  return place < rule.train ? "train" : place < rule.train + rule.valid ? "valid" : "test";
}

struct FractionOptions {
  double share = 0.1;  // of the patients, above 0 and at most 1
  std::uint64_t seed = 0;
};

// A share of the patients with all their records, in order, for training on less: 0.01 lies inside 0.1 under one seed, and adding
// records never moves old ones. The size is therefore the share on average, not exactly. Keeps a reference. Throws
// Error(data) for a record without patient and for a share that holds none.
template <Dataset D>
[[nodiscard]] Subset<D> fraction(const D& data, const FractionOptions& options) {
  MGCA_CHECK(options.share > 0 && options.share <= 1, "fraction: expected a share above 0 and at most 1, got ", options.share);
  std::vector<std::int64_t> records;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const auto& study = data.record(i);
    if (study.patient.empty()) fail(ErrorKind::data, "fraction: row ", study.row, " has no patient; fill the patient column");
    if (detail::place_of_patient(study.patient, "fraction " + std::to_string(options.seed)) < options.share) records.push_back(i);
  }
  if (records.empty()) fail(ErrorKind::data, "fraction: a share of ", options.share, " of ", data.size(), " records holds no patient; use a larger share or another seed");
  return Subset<D>(data, std::move(records));
}

// The records of split "train" that belong to its published subset of 1, 10 or 100 percent (Study::percent), in order. Keeps a
// reference. 100 percent of a data set without subsets is its whole split "train". Throws Error(argument) for another percentage, Error(data) for
// a data set without that split or that subset.
template <Dataset D>
[[nodiscard]] Subset<D> subset_of_percent(const D& data, int percent) {
  MGCA_CHECK(percent == 1 || percent == 10 || percent == 100, "subset: expected 1, 10 or 100 percent, got ", percent);
  const auto train = split_of(data, "train");
  std::vector<std::int64_t> records;
  bool any = false;
  for (std::int64_t i = 0; i < train.size(); ++i) {
    const auto smallest = train.record(i).percent;
    any = any || smallest > 0;
    if (smallest > 0 && smallest <= percent) records.push_back(train.original(i));
  }
  if (!any && percent == 100) return train;
  if (records.empty())
    fail(ErrorKind::data, "subset: no record of split 'train' belongs to the ", percent, " % subset; ",
         any ? "use a larger one" : "the table has no column percent (mgca prepare writes it), or draw one by patient with data::fraction");
  return Subset<D>(data, std::move(records));
}

// Numbers of the patients of some records, for resampling by patient; a record without patient is a patient of its own.
template <Dataset D>
[[nodiscard]] std::vector<std::int64_t> patient_groups(const D& data, const std::vector<std::int64_t>& records) {
  std::map<std::string, std::int64_t> numbers;
  std::vector<std::int64_t> groups;
  std::int64_t next = 0;
  for (const auto i : records) {
    const auto& patient = data.record(i).patient;
    if (patient.empty()) groups.push_back(next++);
    else if (const auto [it, is_new] = numbers.try_emplace(patient, next); is_new) groups.push_back(next++);
    else groups.push_back(it->second);
  }
  return groups;
}

// The manifest of a data set's splits; with a rule, each must be what the rule says. Throws Error(data) naming the row for a record
// without patient, a patient in two splits, and a split the rule does not give.
template <Dataset D>
[[nodiscard]] SplitManifest split_manifest(const D& data, const std::optional<SplitRule>& rule = std::nullopt) {
  SplitManifest manifest{.rule = rule, .patients = {}, .studies = {}, .list = {}};
  struct Side {
    std::string split;
    std::int64_t row;
  };
  std::map<std::string, Side> sides;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const auto& study = data.record(i);
    if (study.patient.empty()) fail(ErrorKind::data, "split manifest: row ", study.row, " has no patient; fill the patient column");
    if (rule && study.split != split_of_patient(study.patient, *rule)) {
      fail(ErrorKind::data, "split manifest: row ", study.row, " is in '", study.split, "', which is not what the rule gives; leave the rule out");
    }
    const auto [it, is_new] = sides.try_emplace(study.patient, Side{study.split, study.row});
    if (it->second.split != study.split) {
      fail(ErrorKind::data, "split manifest: rows ", it->second.row, " and ", study.row, " are of one patient in two splits; give every patient one");
    }
    ++manifest.studies[study.split];
    if (is_new) ++manifest.patients[study.split];
  }
  Sha256 hash;
  for (const auto& [patient, side] : sides) {
    for (const auto& text : {patient, side.split}) hash.update(std::to_string(text.size())).update(":").update(text);
  }
  manifest.list = hash.hex_digest();
  return manifest;
}

// Throws Error(data) if a data set is not divided as a manifest says; `source` names the manifest.
template <Dataset D>
void require_same_split(const D& data, const SplitManifest& manifest, const std::string& source) {
  const auto now = split_manifest(data, manifest.rule);
  const auto require = [&](const char* what, const auto& then_counts, const auto& now_counts) {
    const auto text = [](const std::map<std::string, std::int64_t>& counts) {
      std::string all;
      for (const auto& [split, count] : counts) all += (all.empty() ? "" : ", ") + split + " " + std::to_string(count);
      return all.empty() ? std::string("none") : all;
    };
    if (then_counts != now_counts) {
      fail(ErrorKind::data, source, ": ", what, " differ: ", text(then_counts), " in the manifest, ", text(now_counts), " in the data; use the data it was written for");
    }
  };
  require("patients", manifest.patients, now.patients);
  require("studies", manifest.studies, now.studies);
  if (manifest.list != now.list) {
    fail(ErrorKind::data, source, ": as many patients in each split as in the data, but not the same ones (list ", manifest.list.substr(0, 12), "... against ",
         now.list.substr(0, 12), "...); use the data it was written for");
  }
}

}  // namespace data
}  // namespace mgca

// Splits by patient: no patient is on both sides, and the division is a function of (patient, seed) alone, so adding
// records never moves old ones.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/hash.hpp>
#include <mgca/data/dataset.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::data {

struct SplitShares {
  double train = 0.7;
  double valid = 0.1;  // the rest is test
  std::uint64_t seed = 0;
};

// "train", "valid" or "test" for a patient.
[[nodiscard]] inline std::string split_of_patient(std::string_view patient, const SplitShares& shares) {
  MGCA_CHECK(shares.train >= 0 && shares.valid >= 0 && shares.train + shares.valid <= 1, "split: shares must be 0 or more and at most 1 together, got ",
             shares.train, " and ", shares.valid);
  const auto digest = sha256(std::to_string(shares.seed) + ":" + std::string(patient));
  const double place = static_cast<double>(std::stoull(digest.substr(0, 13), nullptr, 16)) / static_cast<double>(std::uint64_t{1} << 52);
  return place < shares.train ? "train" : place < shares.train + shares.valid ? "valid" : "test";
}

struct Leak {
  std::int64_t first_row = 0;  // rows of one patient in two splits
  std::int64_t other_row = 0;
};

// The rows at which a patient appears in a split other than that of its first row. Records without a patient are skipped: they
// cannot be judged.
template <Dataset D>
[[nodiscard]] std::vector<Leak> leaks(const D& data) {
  std::map<std::string, std::pair<std::string, std::int64_t>> seen;
  std::vector<Leak> found;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const auto& study = data.record(i);
    if (study.patient.empty()) continue;
    const auto [it, is_new] = seen.emplace(study.patient, std::pair(study.split, study.row));
    if (!is_new && it->second.first != study.split) found.push_back({it->second.second, study.row});
  }
  return found;
}

// The identity of a data set: SHA-256 over image paths, splits, patients, reports and labels, in order.
template <Dataset D>
[[nodiscard]] std::string fingerprint(const D& data) {
  Sha256 hash;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const auto& study = data.record(i);
    hash.update(study.image.generic_string()).update("\n").update(study.split).update("\n").update(study.patient).update("\n");
    hash.update(study.report).update("\n");
    for (const float label : study.labels) hash.update(std::isnan(label) ? "u" : label != 0 ? "1" : "0");
    hash.update("\n");
  }
  return hash.hex_digest();
}

}  // namespace mgca::data

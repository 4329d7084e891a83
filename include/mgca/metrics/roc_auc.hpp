// Receiver operating characteristic: how well a score separates positives from negatives, whatever the threshold.
// The area is the probability that a random positive scores above a random negative, ties counting one half
// (Mann-Whitney); it is computed in integers, so the order of the samples cannot change it.
// Reference: Fawcett, "An introduction to ROC analysis", 2006; Youden, "Index for rating diagnostic tests", 1950.
#pragma once

#include <mgca/metrics/detail/radix_sort.hpp>
#include <mgca/metrics/score_table.hpp>

#include <limits>

namespace mgca {

struct RocPoint {
  double false_positive_rate = 0;
  double true_positive_rate = 0;
  float threshold = 0;  // positive means score >= threshold
};

struct RocCurve {
  std::vector<RocPoint> points;  // from (0, 0) to (1, 1); one per distinct score
  double area = 0;
  std::int64_t positives = 0;
  std::int64_t negatives = 0;
};

}  // namespace mgca

namespace mgca::metrics {
namespace detail {

struct SplitKeys {
  std::vector<std::uint32_t> positive, negative;  // each ascending
};

inline SplitKeys split_keys(std::span<const float> scores, std::span<const std::uint8_t> labels) {
  check_scores(scores, labels);
  SplitKeys keys{std::vector<std::uint32_t>(scores.size()), std::vector<std::uint32_t>(scores.size())};
  std::size_t positives = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto key = ordered_key(scores[i]);
    keys.positive[positives] = key;
    keys.negative[i - positives] = key;  // the next write corrects the list that it does not belong to
    positives += labels[i];
  }
  keys.positive.resize(positives);
  keys.negative.resize(scores.size() - positives);
  radix_sort<0>(keys.positive);
  radix_sort<0>(keys.negative);
  return keys;
}

// Pairs (positive above negative) + 1/2 pairs (equal), doubled.
inline std::uint64_t doubled_wins(const SplitKeys& keys) {
  std::uint64_t doubled = 0;
  std::size_t below = 0, up_to = 0;  // negatives < key, negatives <= key
  for (const auto key : keys.positive) {
    while (below < keys.negative.size() && keys.negative[below] < key) ++below;
    if (up_to < below) up_to = below;
    while (up_to < keys.negative.size() && keys.negative[up_to] == key) ++up_to;
    doubled += below + up_to;
  }
  return doubled;
}

inline double area_of(std::uint64_t doubled, std::uint64_t positives, std::uint64_t negatives) {
  return static_cast<double>(doubled) / (2.0 * static_cast<double>(positives) * static_cast<double>(negatives));
}

}  // namespace detail

// Nothing when the labels are all alike. Throws Error(argument) for NaN scores and labels beyond 0 and 1.
[[nodiscard]] inline std::optional<double> roc_auc(std::span<const float> scores,
                                                   std::span<const std::uint8_t> labels) {
  const auto keys = detail::split_keys(scores, labels);
  if (keys.positive.empty() || keys.negative.empty()) return std::nullopt;
  return detail::area_of(detail::doubled_wins(keys), keys.positive.size(), keys.negative.size());
}

[[nodiscard]] inline MacroMean macro_roc_auc(const ScoreTable& table) { return macro_mean(table, roc_auc); }

// Nothing when the labels are all alike.
[[nodiscard]] inline std::optional<RocCurve> roc_curve(std::span<const float> scores,
                                                       std::span<const std::uint8_t> labels) {
  const auto keys = detail::split_keys(scores, labels);
  const auto& [positive, negative] = keys;
  if (positive.empty() || negative.empty()) return std::nullopt;
  RocCurve curve;
  curve.positives = static_cast<std::int64_t>(positive.size());
  curve.negatives = static_cast<std::int64_t>(negative.size());
  curve.area = detail::area_of(detail::doubled_wins(keys), positive.size(), negative.size());
  curve.points.push_back({0, 0, std::numeric_limits<float>::infinity()});
  for (std::size_t p = positive.size(), n = negative.size(); p > 0 || n > 0;) {
    const auto key = std::max(p > 0 ? positive[p - 1] : 0U, n > 0 ? negative[n - 1] : 0U);
    while (p > 0 && positive[p - 1] == key) --p;
    while (n > 0 && negative[n - 1] == key) --n;
    curve.points.push_back({static_cast<double>(negative.size() - n) / static_cast<double>(negative.size()),
                            static_cast<double>(positive.size() - p) / static_cast<double>(positive.size()),
                            detail::score_of(key)});
  }
  return curve;
}

// The point that maximises sensitivity + specificity - 1; among equals the one with the highest threshold.
[[nodiscard]] inline RocPoint youden(const RocCurve& curve) {
  MGCA_CHECK(!curve.points.empty(), "youden: the curve has no points");
  RocPoint best = curve.points.front();
  for (const auto& point : curve.points) {
    if (point.true_positive_rate - point.false_positive_rate > best.true_positive_rate - best.false_positive_rate) {
      best = point;
    }
  }
  return best;
}

}  // namespace mgca::metrics

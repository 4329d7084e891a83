// Is one classifier better than another on the same images? Closed forms, beside the resampling of bootstrap.hpp.
// Reference: DeLong, DeLong and Clarke-Pearson, Biometrics 1988 (variance of an AUROC and covariance of two); Sun and Xu, IEEE Signal
// Processing Letters 2014 (in O(n log n)); McNemar, Psychometrika 1947, in its exact form; Holm, Scandinavian Journal of Statistics 1979.
#pragma once

#include <mgca/metrics/detail/radix_sort.hpp>
#include <mgca/metrics/score_table.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>
#include <span>
#include <vector>

namespace mgca {

// Normal interval, cut to [0, 1]. Where the scores separate the labels without error the variance is 0 and the interval a point: more
// certain than it should be.
struct AreaEstimate {
  double area = 0, variance = 0;
  double low = 0, high = 0;
  double confidence = 0;
};

struct AreaComparison {
  AreaEstimate first, second;
  double difference = 0;        // first minus second
  double variance = 0;          // of the difference
  double low = 0, high = 0;     // of the difference
  std::optional<double> p_value;  // two-sided; nothing for a difference whose variance is 0
};

struct McNemar {
  std::int64_t only_first = 0;   // right by the first alone
  std::int64_t only_second = 0;
  double difference = 0;         // of the accuracies, first minus second
  double p_value = 1;            // exact, two-sided
};

}  // namespace mgca

namespace mgca::metrics {
namespace detail {

// What each image adds to an area: for a positive the part of negatives below it, for a negative the part of positives above it, ties
// one half. Their means are the area.
struct Placements {
  std::vector<double> positive, negative;  // in the order of the items
};

inline std::optional<Placements> placements(std::span<const float> scores, std::span<const std::uint8_t> labels) {
  check_scores(scores, labels);
  MGCA_CHECK(scores.size() < (std::uint64_t{1} << 32), "compare: ", scores.size(), " scores are more than 2^32");
  std::vector<std::uint64_t> order(scores.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = std::uint64_t{ordered_key(scores[i])} << 32 | i;
  radix_sort<32>(order);
  const auto positives = static_cast<double>(std::count(labels.begin(), labels.end(), 1));
  const double negatives = static_cast<double>(labels.size()) - positives;
  if (positives < 2 || negatives < 2) return std::nullopt;
  std::vector<double> place(scores.size());
  double positives_below = 0, negatives_below = 0;
  for (std::size_t start = 0, end = 0; start < order.size(); start = end) {
    double here[2] = {0, 0};
    while (end < order.size() && order[end] >> 32 == order[start] >> 32) ++here[labels[static_cast<std::uint32_t>(order[end++])]];
    const double of_positive = (negatives_below + here[0] / 2) / negatives;
    const double of_negative = (positives - positives_below - here[1] / 2) / positives;
    for (auto i = start; i < end; ++i) {
      const auto item = static_cast<std::uint32_t>(order[i]);
      place[item] = labels[item] == 1 ? of_positive : of_negative;
    }
    negatives_below += here[0];
    positives_below += here[1];
  }
  Placements out;
  for (std::size_t i = 0; i < place.size(); ++i) (labels[i] == 1 ? out.positive : out.negative).push_back(place[i]);
  return out;
}

inline double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// Covariance of two means.
inline double covariance(std::span<const double> a, std::span<const double> b) {
  const double at = mean(a), bt = mean(b);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - at) * (b[i] - bt);
  return sum / static_cast<double>(a.size() - 1) / static_cast<double>(a.size());
}
inline double covariance(const Placements& a, const Placements& b) { return covariance(a.positive, b.positive) + covariance(a.negative, b.negative); }

// How many standard deviations hold `confidence` of a normal distribution, by bisection.
inline double normal_width(double confidence) {
  MGCA_CHECK(confidence > 0 && confidence < 1, "compare: expected a confidence between 0 and 1, got ", confidence, "; 95 % is 0.95");
  double low = 0, high = 40;
  for (int i = 0; i < 100; ++i) (std::erf((low + high) / 2 / std::numbers::sqrt2) < confidence ? low : high) = (low + high) / 2;
  return high;
}

inline AreaEstimate estimate(const Placements& places, double confidence) {
  AreaEstimate out{.area = mean(places.positive), .variance = covariance(places, places), .confidence = confidence};
  const double width = normal_width(confidence) * std::sqrt(out.variance);
  out.low = std::max(0.0, out.area - width);
  out.high = std::min(1.0, out.area + width);
  return out;
}

}  // namespace detail

// AUROC with its variance. Nothing with fewer than two positives or two negatives. Images are taken as independent: with several of a
// patient use `bootstrap` with groups. Throws Error(argument) for NaN scores and labels beyond 0 and 1.
[[nodiscard]] inline std::optional<AreaEstimate> delong(std::span<const float> scores, std::span<const std::uint8_t> labels, double confidence = 0.95) {
  const auto places = detail::placements(scores, labels);
  return places ? std::optional(detail::estimate(*places, confidence)) : std::nullopt;
}

struct TwoScores {
  std::span<const float> first, second;  // of the same items
};

// Paired test of two AUROCs on the same items; conditions as above.
[[nodiscard]] inline std::optional<AreaComparison> delong_test(const TwoScores& scores, std::span<const std::uint8_t> labels, double confidence = 0.95) {
  const auto a = detail::placements(scores.first, labels), b = detail::placements(scores.second, labels);
  if (!a || !b) return std::nullopt;
  AreaComparison out{.first = detail::estimate(*a, confidence), .second = detail::estimate(*b, confidence), .p_value = {}};
  out.difference = out.first.area - out.second.area;
  detail::Placements change = *a;
  for (std::size_t i = 0; i < change.positive.size(); ++i) change.positive[i] -= b->positive[i];
  for (std::size_t i = 0; i < change.negative.size(); ++i) change.negative[i] -= b->negative[i];
  out.variance = detail::covariance(change, change);
  const double width = detail::normal_width(confidence) * std::sqrt(out.variance);
  out.low = out.difference - width;
  out.high = out.difference + width;
  if (out.variance > 0) out.p_value = std::erfc(std::abs(out.difference) / std::sqrt(2 * out.variance));
  else if (out.difference == 0) out.p_value = 1;
  return out;
}

// Do two classifiers differ in how often they are right on the same items? 1 where right. Throws Error(argument) for no items or
// lengths that differ.
[[nodiscard]] inline McNemar mcnemar(std::span<const std::uint8_t> first, std::span<const std::uint8_t> second) {
  MGCA_CHECK(first.size() == second.size() && !first.empty(), "mcnemar: expected answers of two classifiers to the same items, got ", first.size(), " and ",
             second.size());
  McNemar out;
  for (std::size_t i = 0; i < first.size(); ++i) {
    out.only_first += first[i] != 0 && second[i] == 0 ? 1 : 0;
    out.only_second += first[i] == 0 && second[i] != 0 ? 1 : 0;
  }
  out.difference = static_cast<double>(out.only_first - out.only_second) / static_cast<double>(first.size());
  // Twice the tail of a fair coin thrown as often as they differ.
  const auto throws = out.only_first + out.only_second;
  const auto n = static_cast<double>(throws);
  double tail = 0;
  for (std::int64_t k = 0; k <= std::min(out.only_first, out.only_second); ++k) {
    const auto heads = static_cast<double>(k);
    tail += std::exp(std::lgamma(n + 1) - std::lgamma(heads + 1) - std::lgamma(n - heads + 1) - n * std::numbers::ln2);
  }
  out.p_value = std::min(1.0, 2 * tail);
  return out;
}

// p-values of several questions asked at once, so large that the chance of any false alarm among them stays what one alone would have
// (Holm's step-down). Places without a value stay so and do not count. Throws Error(argument) for values outside [0, 1].
[[nodiscard]] inline std::vector<std::optional<double>> holm(std::span<const std::optional<double>> p_values) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p_values.size(); ++i) {
    if (!p_values[i]) continue;
    MGCA_CHECK(*p_values[i] >= 0 && *p_values[i] <= 1, "holm: value ", i, " is ", *p_values[i], ", expected a probability");
    order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return *p_values[a] < *p_values[b]; });
  std::vector<std::optional<double>> corrected(p_values.size());
  double before = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    before = std::max(before, std::min(1.0, static_cast<double>(order.size() - i) * *p_values[order[i]]));
    corrected[order[i]] = before;
  }
  return corrected;
}

}  // namespace mgca::metrics

// Precision and recall over all thresholds, for labels so rare that specificity is high whatever the model says.
// Average precision is the step sum of precision over the gains in recall, without interpolation.
// Reference: Davis and Goadrich, "The relationship between precision-recall and ROC curves", ICML 2006.
#pragma once

#include <mgca/metrics/roc_auc.hpp>

namespace mgca {

struct PrecisionRecallPoint {
  double precision = 0;
  double recall = 0;
  float threshold = 0;  // positive means score >= threshold
};

struct PrecisionRecallCurve {
  std::vector<PrecisionRecallPoint> points;  // highest threshold first, one per distinct score
  double average_precision = 0;
  double prevalence = 0;  // what a random score reaches
};

// Counts at one threshold.
struct BinaryCounts {
  std::int64_t true_positive = 0, false_positive = 0, true_negative = 0, false_negative = 0;

  // Each is nothing where its denominator is 0.
  [[nodiscard]] std::optional<double> precision() const { return ratio(true_positive, true_positive + false_positive); }
  [[nodiscard]] std::optional<double> sensitivity() const {
    return ratio(true_positive, true_positive + false_negative);
  }
  [[nodiscard]] std::optional<double> specificity() const {
    return ratio(true_negative, true_negative + false_positive);
  }
  [[nodiscard]] std::optional<double> accuracy() const { return ratio(true_positive + true_negative, total()); }
  [[nodiscard]] std::optional<double> f1() const {
    return ratio(2 * true_positive, 2 * true_positive + false_positive + false_negative);
  }
  // Mean of sensitivity and specificity: 1/2 for any constant answer.
  [[nodiscard]] std::optional<double> balanced_accuracy() const {
    const auto a = sensitivity(), b = specificity();
    return a && b ? std::optional((*a + *b) / 2) : std::nullopt;
  }
  // Correlation of label and call (Matthews, 1975): 0 for chance, whatever the prevalence.
  [[nodiscard]] std::optional<double> mcc() const {
    const auto real = [](std::int64_t value) { return static_cast<double>(value); };
    const double product = real(true_positive + false_positive) * real(true_positive + false_negative) * real(true_negative + false_positive) *
                           real(true_negative + false_negative);
    if (product == 0) return std::nullopt;
    return (real(true_positive) * real(true_negative) - real(false_positive) * real(false_negative)) / std::sqrt(product);
  }
  [[nodiscard]] std::int64_t total() const { return true_positive + false_positive + true_negative + false_negative; }

  BinaryCounts& operator+=(const BinaryCounts& other) {
    true_positive += other.true_positive;
    false_positive += other.false_positive;
    true_negative += other.true_negative;
    false_negative += other.false_negative;
    return *this;
  }

 private:
  static std::optional<double> ratio(std::int64_t part, std::int64_t whole) {
    if (whole == 0) return std::nullopt;
    return static_cast<double>(part) / static_cast<double>(whole);
  }
};

}  // namespace mgca

namespace mgca::metrics {

// Nothing when there is no positive.
[[nodiscard]] inline std::optional<PrecisionRecallCurve> precision_recall_curve(std::span<const float> scores,
                                                                                std::span<const std::uint8_t> labels) {
  const auto [positive, negative] = detail::split_keys(scores, labels);
  if (positive.empty()) return std::nullopt;
  PrecisionRecallCurve curve;
  const auto positives = static_cast<double>(positive.size());
  curve.prevalence = positives / static_cast<double>(scores.size());
  for (std::size_t p = positive.size(), n = negative.size(); p > 0 || n > 0;) {
    const auto key = std::max(p > 0 ? positive[p - 1] : 0U, n > 0 ? negative[n - 1] : 0U);
    const auto before = p;
    while (p > 0 && positive[p - 1] == key) --p;
    while (n > 0 && negative[n - 1] == key) --n;
    const auto found = static_cast<double>(positive.size() - p);
    const double precision = found / (found + static_cast<double>(negative.size() - n));
    curve.average_precision += static_cast<double>(before - p) / positives * precision;
    curve.points.push_back({precision, found / positives, detail::score_of(key)});
  }
  return curve;
}

// Nothing when there is no positive.
[[nodiscard]] inline std::optional<double> average_precision(std::span<const float> scores,
                                                             std::span<const std::uint8_t> labels) {
  const auto curve = precision_recall_curve(scores, labels);
  return curve ? std::optional(curve->average_precision) : std::nullopt;
}

[[nodiscard]] inline MacroMean macro_average_precision(const ScoreTable& table) {
  return macro_mean(table, average_precision);
}

// A score strictly above the threshold is called positive.
[[nodiscard]] inline BinaryCounts count_at(std::span<const float> scores, std::span<const std::uint8_t> labels,
                                           float threshold) {
  check_scores(scores, labels);
  std::int64_t counts[2][2] = {};  // by label, by call
  for (std::size_t i = 0; i < scores.size(); ++i) ++counts[labels[i]][scores[i] > threshold ? 1 : 0];
  return {.true_positive = counts[1][1],
          .false_positive = counts[0][1],
          .true_negative = counts[0][0],
          .false_negative = counts[1][0]};
}

// The threshold with the largest F1; among equals the highest. To be found on validation data, used on test data.
// count_at(scores, labels, threshold) calls the same samples positive. Nothing when there is no positive.
[[nodiscard]] inline std::optional<float> best_f1_threshold(std::span<const float> scores,
                                                            std::span<const std::uint8_t> labels) {
  const auto curve = precision_recall_curve(scores, labels);
  if (!curve) return std::nullopt;
  const auto f1 = [](const PrecisionRecallPoint& p) {
    return p.recall > 0 ? 2 * p.precision * p.recall / (p.precision + p.recall) : 0.0;
  };
  auto best = curve->points.front();
  for (const auto& point : curve->points) {
    if (f1(point) > f1(best)) best = point;
  }
  return std::nextafter(best.threshold, -std::numeric_limits<float>::infinity());
}

}  // namespace mgca::metrics

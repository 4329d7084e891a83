// Everything that is said of a classifier on a test split, each number with its bootstrap interval on the same resamples.
// A measure that does not exist (a finding nobody has, no threshold chosen) is nothing; every mean says over how many classes it goes.
#pragma once

#include <mgca/metrics/calibration.hpp>
#include <mgca/metrics/measured_classifier.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace mgca {

// One interval a measure, in their order.
struct Measures {
  std::array<Interval, kMeasures> all;

  [[nodiscard]] const Interval& operator[](Measure m) const { return all[static_cast<std::size_t>(m)]; }
};

struct ClassResult {
  std::int64_t present = 0, absent = 0, unknown = 0;  // test labels
  std::optional<float> threshold;  // logit above which it is called present; nothing: none could be chosen, or classes are exclusive
  Measures measures;
  std::optional<Calibration> reliability;  // nothing without a known label
};

struct ClassificationResult {
  LabelKind kind = LabelKind::independent;
  std::vector<ClassResult> classes;
  Measures macro;                                // means over the classes that have the measure
  std::array<std::int64_t, kMeasures> defined{};  // how many these are
  Interval accuracy, mcc;                        // of exclusive classes: all at once, the highest logit is the answer
};

}  // namespace mgca

namespace mgca::metrics {

// For each class the logit with the best F1 on a validation split; nothing for a class without a known positive there.
[[nodiscard]] inline std::vector<std::optional<float>> best_f1_thresholds(const ScoreTable& validation) {
  check_table(validation);
  std::vector<std::optional<float>> thresholds;
  for (std::int64_t c = 0; c < validation.classes; ++c) {
    const auto values = column(validation, c);
    thresholds.push_back(best_f1_threshold(values.scores, values.labels));
  }
  return thresholds;
}

// Every measure with its interval. Throws as MeasuredClassifier does.
[[nodiscard]] inline ClassificationResult classification(const ScoreTable& test, const ClassificationOptions& options = {}) {
  const MeasuredClassifier measured(test, options);
  const auto intervals = bootstrap(test.rows(), measured, options.bootstrap);
  ClassificationResult out{.kind = options.kind, .classes = {}, .macro = {}, .accuracy = {}, .mcc = {}};
  auto next = intervals.begin();
  const auto take = [&](Measures& into) {
    std::copy_n(next, kMeasures, into.all.begin());
    next += kMeasures;
  };
  for (std::size_t c = 0; c < measured.classes().size(); ++c) {
    const auto& in = measured.classes()[c].input();
    auto& result = out.classes.emplace_back();
    result.present = std::count(in.column.labels.begin(), in.column.labels.end(), 1);
    result.absent = static_cast<std::int64_t>(in.column.labels.size()) - result.present;
    result.unknown = test.rows() - result.present - result.absent;
    if (!options.thresholds.empty()) result.threshold = options.thresholds[c];
    if (!in.probabilities.empty()) result.reliability = calibration(in.probabilities, in.column.labels, detail::kBins);
    take(result.measures);
    for (std::size_t m = 0; m < kMeasures; ++m) out.defined[m] += result.measures.all[m].estimate ? 1 : 0;
  }
  take(out.macro);
  if (options.kind == LabelKind::exclusive) out.accuracy = next[0], out.mcc = next[1];
  return out;
}

}  // namespace mgca::metrics

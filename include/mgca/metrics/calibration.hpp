// Does a probability of 0.8 come true in 80 of 100 cases? A score can rank perfectly and still say nothing about risk.
// Reference: Brier 1950; Guo et al., "On Calibration of Modern Neural Networks", ICML 2017 (expected calibration
// error).
#pragma once

#include <mgca/metrics/score_table.hpp>

#include <algorithm>

namespace mgca {

struct CalibrationBin {
  double low = 0, high = 0;  // probabilities of the bin; the last one includes its upper end
  std::int64_t count = 0;
  std::optional<double> mean_probability = {};  // nothing in an empty bin
  std::optional<double> observed = {};          // part of positives
};

struct Calibration {
  std::vector<CalibrationBin> bins;
  double expected_error = 0;  // |observed - mean probability|, averaged over the samples
  double brier = 0;           // mean squared difference of probability and label
};

}  // namespace mgca

namespace mgca::metrics {

// Bins of equal width. Throws Error(argument) for an empty input or values outside [0, 1].
[[nodiscard]] inline Calibration calibration(std::span<const float> probabilities, std::span<const std::uint8_t> labels,
                                             std::int64_t bins = 10) {
  check_scores(probabilities, labels);
  MGCA_CHECK(!probabilities.empty() && bins > 0, "calibration: ", probabilities.size(), " probabilities in ", bins,
             " bins");
  struct Sum {
    double probability = 0, positives = 0;
  };
  std::vector<Sum> sums(static_cast<std::size_t>(bins));
  Calibration result;
  for (std::int64_t b = 0; b < bins; ++b) {
    result.bins.push_back({.low = static_cast<double>(b) / static_cast<double>(bins),
                           .high = static_cast<double>(b + 1) / static_cast<double>(bins)});
  }
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    const double p = probabilities[i];
    MGCA_CHECK(p >= 0 && p <= 1, "calibration: value ", i, " is ", p,
               ", expected a probability; apply the sigmoid to logits");
    const auto bin = std::min(static_cast<std::size_t>(p * static_cast<double>(bins)), sums.size() - 1);
    ++result.bins[bin].count;
    sums[bin].probability += p;
    sums[bin].positives += labels[i];
    result.brier += (p - labels[i]) * (p - labels[i]);
  }
  const auto total = static_cast<double>(probabilities.size());
  for (std::size_t b = 0; b < sums.size(); ++b) {
    auto& bin = result.bins[b];
    if (bin.count == 0) continue;
    bin.mean_probability = sums[b].probability / static_cast<double>(bin.count);
    bin.observed = sums[b].positives / static_cast<double>(bin.count);
    result.expected_error += std::abs(sums[b].positives - sums[b].probability) / total;
  }
  result.brier /= total;
  return result;
}

// Several classes as if their samples were one: errors of opposite sign within a bin cancel, so its expected error is at most the mean of
// theirs, weighted by samples. Throws Error(argument) for none and for bins that differ.
[[nodiscard]] inline Calibration pooled(std::span<const Calibration> classes) {
  MGCA_CHECK(!classes.empty(), "calibration: nothing to pool");
  Calibration result{.bins = classes.front().bins};
  double total = 0;
  for (std::size_t b = 0; b < result.bins.size(); ++b) {
    auto& bin = result.bins[b] = {.low = result.bins[b].low, .high = result.bins[b].high};
    double probability = 0, positives = 0;
    for (const auto& one : classes) {
      MGCA_CHECK(one.bins.size() == result.bins.size() && one.bins[b].low == bin.low && one.bins[b].high == bin.high,
                 "calibration: classes with other bins cannot be pooled");
      const auto& of_class = one.bins[b];
      if (of_class.count == 0) continue;
      bin.count += of_class.count;
      probability += *of_class.mean_probability * static_cast<double>(of_class.count);
      positives += *of_class.observed * static_cast<double>(of_class.count);
    }
    const auto count = static_cast<double>(bin.count);
    total += count;
    result.expected_error += std::abs(positives - probability);
    if (bin.count == 0) continue;
    bin.mean_probability = probability / count;
    bin.observed = positives / count;
  }
  for (const auto& one : classes) {
    std::int64_t count = 0;
    for (const auto& bin : one.bins) count += bin.count;
    result.brier += one.brier * static_cast<double>(count) / total;
  }
  result.expected_error /= total;
  return result;
}

}  // namespace mgca::metrics

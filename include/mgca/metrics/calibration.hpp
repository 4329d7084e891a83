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

}  // namespace mgca::metrics

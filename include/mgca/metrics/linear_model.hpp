// What the linear baselines return: outputs = features * weights + bias, on raw features, whatever scaling was fitted.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace mgca {

struct LinearModel {
  std::int64_t features = 0;    // D
  std::int64_t outputs = 0;     // M
  std::vector<double> weights;  // (D, M) row-major
  std::vector<double> bias;     // (M)
};

// Mean and standard deviation of each feature; a constant feature keeps deviation 1.
struct FeatureScaling {
  std::vector<double> mean, deviation;
};

enum class Scaling : std::uint8_t {
  none,
  standard,  // zero mean and unit variance on the training rows, folded into the returned weights
};
constexpr auto names_of(Scaling) { return std::to_array<std::string_view>({"none", "standard"}); }

}  // namespace mgca

namespace mgca::metrics {

// Throws Error(argument) unless the table is (N, D) with N, D > 0 and finite values.
inline void check_features(Plane<const float> features) {
  MGCA_CHECK(features.height > 0 && features.width > 0 && features.channels == 1 &&
                 features.pixels.size() == static_cast<std::size_t>(features.height * features.width),
             "linear model: expected features (rows, columns), got ", features.height, " x ", features.width, " x ",
             features.channels, " over ", features.pixels.size(), " values");
  for (std::int64_t i = 0; i < features.height; ++i) {
    for (std::int64_t j = 0; j < features.width; ++j) {
      MGCA_CHECK(std::isfinite(features.at(i, j)), "linear model: feature ", j, " of row ", i, " is not finite");
    }
  }
}

// (N, D) -> mean and population deviation per column; Scaling::none gives 0 and 1.
[[nodiscard]] inline FeatureScaling fit_scaling(Plane<const float> features, Scaling kind) {
  const auto width = static_cast<std::size_t>(features.width);
  FeatureScaling scaling{std::vector<double>(width, 0.0), std::vector<double>(width, 1.0)};
  if (kind == Scaling::none) return scaling;
  std::vector<double> square(width, 0.0);
  const auto rows = static_cast<double>(features.height);
  for (std::int64_t i = 0; i < features.height; ++i) {
    const auto row = features.row(i);
    for (std::size_t j = 0; j < width; ++j) scaling.mean[j] += static_cast<double>(row[j]) / rows;
  }
  for (std::int64_t i = 0; i < features.height; ++i) {
    const auto row = features.row(i);
    for (std::size_t j = 0; j < width; ++j) square[j] += std::pow(static_cast<double>(row[j]) - scaling.mean[j], 2);
  }
  for (std::size_t j = 0; j < width; ++j) {
    const double deviation = std::sqrt(square[j] / rows);
    const bool constant = deviation <= 1e-12 * std::max(1.0, std::abs(scaling.mean[j]));
    scaling.deviation[j] = constant ? 1.0 : deviation;
  }
  return scaling;
}

// A model of scaled features as one of raw features.
[[nodiscard]] inline LinearModel unscaled(LinearModel model, const FeatureScaling& scaling) {
  const auto outputs = static_cast<std::size_t>(model.outputs);
  for (std::size_t j = 0; j < scaling.mean.size(); ++j) {
    for (std::size_t m = 0; m < outputs; ++m) {
      auto& weight = model.weights[j * outputs + m];
      weight /= scaling.deviation[j];
      model.bias[m] -= weight * scaling.mean[j];
    }
  }
  return model;
}

// (N, D) -> (N, M) row-major.
[[nodiscard]] inline std::vector<double> predict(const LinearModel& model, Plane<const float> features) {
  check_features(features);
  MGCA_CHECK(features.width == model.features, "linear model: fitted on ", model.features, " features, got ",
             features.width);
  const auto outputs = static_cast<std::size_t>(model.outputs);
  std::vector<double> result(static_cast<std::size_t>(features.height) * outputs);
  for (std::int64_t i = 0; i < features.height; ++i) {
    const auto row = features.row(i);
    const auto out = std::span(result).subspan(static_cast<std::size_t>(i) * outputs, outputs);
    for (std::size_t m = 0; m < outputs; ++m) out[m] = model.bias[m];
    for (std::size_t j = 0; j < row.size(); ++j) {
      if (row[j] == 0.0F) continue;
      for (std::size_t m = 0; m < outputs; ++m) out[m] += static_cast<double>(row[j]) * model.weights[j * outputs + m];
    }
  }
  return result;
}

// The logistic function of each value: logits to probabilities.
[[nodiscard]] inline std::vector<double> probabilities(std::vector<double> logits) {
  for (auto& value : logits) value = 1.0 / (1.0 + std::exp(-value));
  return logits;
}

}  // namespace mgca::metrics

// Logistic regression with an L2 penalty: the baseline every representation has to beat.
// Minimises sum of log losses + l2 / 2 * |w|^2, the bias free, by L-BFGS in float64; the problem is strictly convex, so
// the answer does not depend on the path. Reference: Nocedal and Wright, "Numerical Optimization", 2006, algorithm 7.5.
#pragma once

#include <mgca/metrics/linear_model.hpp>
#include <mgca/metrics/score_table.hpp>

#include <Eigen/Core>

#include <deque>
#include <utility>

namespace mgca {

struct LogisticOptions {
  double l2 = 1.0;
  Scaling scaling = Scaling::standard;
  std::int64_t max_iterations = 1000;
  double tolerance = 1e-7;  // of the largest gradient component, per row
};

struct LogisticFit {
  LinearModel model;                     // outputs are logits; a class with one label only gets a constant
  std::vector<std::int64_t> iterations;  // per class
  std::vector<std::int64_t> constant;    // the classes whose known labels were all alike: bias only, see `fit_logistic`
};

}  // namespace mgca

namespace mgca::metrics {
namespace detail {

using Features = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

inline Features scaled_features(Plane<const float> features, const FeatureScaling& scaling) {
  const Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> raw(
      features.pixels.data(), features.height, features.width);
  const Eigen::Map<const Eigen::RowVectorXd> mean(scaling.mean.data(), features.width);
  const Eigen::Map<const Eigen::RowVectorXd> deviation(scaling.deviation.data(), features.width);
  Features scaled = raw.cast<double>();
  scaled.rowwise() -= mean;
  scaled.array().rowwise() /= deviation.array();
  return scaled;
}

// The objective of one class at (weights..., bias) and its gradient.
class LogisticLoss {
 public:
  LogisticLoss(const Features& features, std::vector<int> signs, double l2)
      : features_(features), signs_(std::move(signs)), l2_(l2) {}

  double operator()(const Eigen::VectorXd& at, Eigen::VectorXd& gradient) const {
    const auto width = features_.cols();
    Eigen::VectorXd slope = features_ * at.head(width);
    double loss = l2_ / 2 * at.head(width).squaredNorm();
    for (Eigen::Index i = 0; i < slope.size(); ++i) {
      const double sign = signs_[static_cast<std::size_t>(i)];  // 0: the label is unknown
      const double margin = sign * (slope[i] + at[width]);
      if (sign != 0) loss += std::max(0.0, -margin) + std::log1p(std::exp(-std::abs(margin)));
      slope[i] = -sign / (1 + std::exp(margin));
    }
    gradient.resize(width + 1);
    gradient.head(width) = features_.transpose() * slope + l2_ * at.head(width);
    gradient[width] = slope.sum();
    return loss;
  }

 private:
  const Features& features_;
  std::vector<int> signs_;
  double l2_;
};

struct Correction {
  Eigen::VectorXd step, change;
  double scale;
};

// Minus the approximate inverse Hessian times the gradient.
inline Eigen::VectorXd descent(const std::deque<Correction>& memory, const Eigen::VectorXd& gradient) {
  Eigen::VectorXd direction = -gradient;
  std::vector<double> weight(memory.size());
  for (std::size_t k = memory.size(); k-- > 0;) {
    weight[k] = memory[k].scale * memory[k].step.dot(direction);
    direction -= weight[k] * memory[k].change;
  }
  if (!memory.empty()) direction /= memory.back().scale * memory.back().change.squaredNorm();
  for (std::size_t k = 0; k < memory.size(); ++k) {
    direction += (weight[k] - memory[k].scale * memory[k].change.dot(direction)) * memory[k].step;
  }
  return direction;
}

// Moves `at` to the minimum and returns the iterations. Throws Error(argument) when max_iterations do not suffice.
inline std::int64_t minimise(const LogisticLoss& loss, Eigen::VectorXd& at, std::pair<double, std::int64_t> limits) {
  const auto [tolerance, max_iterations] = limits;
  Eigen::VectorXd gradient, next_gradient, next;
  double value = loss(at, gradient);
  std::deque<Correction> memory;
  for (std::int64_t iteration = 0; iteration <= max_iterations; ++iteration) {
    if (gradient.lpNorm<Eigen::Infinity>() <= tolerance) return iteration;
    bool stuck = false;
    Eigen::VectorXd direction = descent(memory, gradient);
    double length = memory.empty() ? 1 / std::max(1.0, gradient.norm()) : 1.0;
    const double expected = gradient.dot(direction);
    double next_value = 0;
    for (int halvings = 0;; ++halvings, length /= 2) {
      next = at + length * direction;
      next_value = loss(next, next_gradient);
      if (next_value <= value + 1e-4 * length * expected) break;
      // At the end of float64 the value cannot fall visibly; a step that shrinks the gradient is as good.
      if (next_gradient.norm() < gradient.norm() && next_value <= value + 1e-12 * std::abs(value)) break;
      if (halvings == 60) {
        stuck = true;
        break;
      }
    }
    if (stuck && memory.empty()) break;
    if (stuck) {
      memory.clear();  // start again along the gradient
      continue;
    }
    Correction correction{next - at, next_gradient - gradient, 0};
    const double curvature = correction.step.dot(correction.change);
    if (curvature > 1e-14 * correction.change.squaredNorm()) {
      correction.scale = 1 / curvature;
      memory.push_back(std::move(correction));
      if (memory.size() > 10) memory.pop_front();
    }
    at.swap(next);
    gradient.swap(next_gradient);
    value = next_value;
  }
  fail(ErrorKind::argument, "logistic: the gradient was still ", gradient.lpNorm<Eigen::Infinity>(), " after ",
       max_iterations, " iterations; raise max_iterations, tolerance or l2, or scale the features");
}

// Log odds of the known labels with half a count added to each side, so that one label alone stays finite.
inline double constant_logit(const std::vector<int>& signs) {
  const auto positives = static_cast<double>(std::count(signs.begin(), signs.end(), 1));
  const auto negatives = static_cast<double>(std::count(signs.begin(), signs.end(), -1));
  return std::log((positives + 0.5) / (negatives + 0.5));
}

}  // namespace detail

// One model per class (one against the rest) on features (N, D) and the labels of a table (N, C); its scores are not
// read and may be empty. Unknown labels are left out of their class. A class whose known labels are all alike cannot be
// fitted: its weights are 0, its bias is the smoothed log odds, and `constant` names it.
// Throws Error(argument) for non-finite features, shapes that do not fit and l2 <= 0.
[[nodiscard]] inline LogisticFit fit_logistic(Plane<const float> features, const ScoreTable& table,
                                              const LogisticOptions& options = {}) {
  check_features(features);
  MGCA_CHECK(options.l2 > 0, "logistic: expected a positive l2, got ", options.l2,
             "; separable data have no minimum without");
  MGCA_CHECK(table.classes > 0 && table.labels.size() == static_cast<std::size_t>(features.height * table.classes),
             "logistic: expected ", features.height, " x ", table.classes, " labels, got ", table.labels.size());
  MGCA_CHECK(table.known.empty() || table.known.size() == table.labels.size(), "logistic: ", table.known.size(),
             " marks of known labels for ", table.labels.size(), " labels");
  const auto scaling = fit_scaling(features, options.scaling);
  const auto scaled = detail::scaled_features(features, scaling);
  const auto width = static_cast<std::size_t>(features.width), classes = static_cast<std::size_t>(table.classes);
  LogisticFit fit;
  fit.model = {.features = features.width,
               .outputs = table.classes,
               .weights = std::vector<double>(width * classes),
               .bias = std::vector<double>(classes)};
  for (std::size_t c = 0; c < classes; ++c) {
    std::vector<int> signs;
    for (std::size_t i = c; i < table.labels.size(); i += classes) {
      MGCA_CHECK(table.labels[i] <= 1, "logistic: label of row ", i / classes, ", class ", c, " is ",
                 int{table.labels[i]}, ", expected 0 or 1");
      const bool known = table.known.empty() || table.known[i] != 0;
      signs.push_back(!known ? 0 : table.labels[i] == 1 ? 1 : -1);
    }
    Eigen::VectorXd at = Eigen::VectorXd::Zero(features.width + 1);
    at[features.width] = detail::constant_logit(signs);
    const bool both = std::count(signs.begin(), signs.end(), 1) > 0 && std::count(signs.begin(), signs.end(), -1) > 0;
    if (both) {
      const double tolerance = options.tolerance * static_cast<double>(features.height);
      fit.iterations.push_back(detail::minimise(detail::LogisticLoss(scaled, std::move(signs), options.l2), at,
                                                {tolerance, options.max_iterations}));
    } else {
      fit.iterations.push_back(0);
      fit.constant.push_back(static_cast<std::int64_t>(c));
    }
    for (std::size_t j = 0; j < width; ++j) fit.model.weights[j * classes + c] = at[static_cast<Eigen::Index>(j)];
    fit.model.bias[c] = at[features.width];
  }
  fit.model = unscaled(std::move(fit.model), scaling);
  return fit;
}

}  // namespace mgca::metrics

// Ridge regression with several outputs: a linear map between two embeddings in closed form.
// Minimises |y - xW - b|^2 + l2 |W|^2, the bias free. With more features than rows the dual form solves an (N, N)
// system instead of a (D, D) one. Reference: Hoerl and Kennard, "Ridge Regression", Technometrics 1970.
#pragma once

#include <mgca/metrics/linear_model.hpp>

#include <Eigen/Cholesky>
#include <Eigen/Core>

namespace mgca {

enum class RidgeForm : std::uint8_t { smaller, primal, dual };
constexpr auto names_of(RidgeForm) { return std::to_array<std::string_view>({"smaller", "primal", "dual"}); }

struct RidgeOptions {
  double l2 = 1.0;
  Scaling scaling = Scaling::none;
  RidgeForm form = RidgeForm::smaller;  // the smaller of the two systems; the answer is the same
};

}  // namespace mgca

namespace mgca::metrics {

// features (N, D), targets (N, M). Throws Error(argument) for non-finite values, row counts that differ and l2 <= 0.
[[nodiscard]] inline LinearModel fit_ridge(Plane<const float> features, Plane<const float> targets,
                                           const RidgeOptions& options = {}) {
  check_features(features);
  check_features(targets);
  MGCA_CHECK(features.height == targets.height, "ridge: ", features.height, " rows of features and ", targets.height,
             " rows of targets");
  MGCA_CHECK(options.l2 > 0, "ridge: expected a positive l2, got ", options.l2);
  using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using RawRows = Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;

  const auto scaling = fit_scaling(features, options.scaling);
  const Eigen::Map<const Eigen::RowVectorXd> deviation(scaling.deviation.data(), features.width);
  Rows x = RawRows(features.pixels.data(), features.height, features.width).cast<double>();
  Rows y = RawRows(targets.pixels.data(), targets.height, targets.width).cast<double>();
  x.array().rowwise() /= deviation.array();
  const Eigen::RowVectorXd x_mean = x.colwise().mean(), y_mean = y.colwise().mean();
  x.rowwise() -= x_mean;  // centring both sides takes the free bias out of the problem
  y.rowwise() -= y_mean;

  const bool dual = options.form == RidgeForm::dual || (options.form == RidgeForm::smaller && x.cols() > x.rows());
  const auto side = dual ? x.rows() : x.cols();
  Eigen::MatrixXd system = Eigen::MatrixXd::Identity(side, side) * options.l2;
  if (dual)
    system.selfadjointView<Eigen::Lower>().rankUpdate(x);
  else
    system.selfadjointView<Eigen::Lower>().rankUpdate(x.transpose());
  const Eigen::LLT<Eigen::MatrixXd, Eigen::Lower> solver(system);
  MGCA_CHECK(solver.info() == Eigen::Success, "ridge: the system is singular in float64; raise l2 above ", options.l2);

  LinearModel model{.features = features.width,
                    .outputs = targets.width,
                    .weights = std::vector<double>(static_cast<std::size_t>(features.width * targets.width)),
                    .bias = std::vector<double>(static_cast<std::size_t>(targets.width))};
  Eigen::Map<Rows> weights(model.weights.data(), features.width, targets.width);
  Eigen::Map<Eigen::RowVectorXd> bias(model.bias.data(), targets.width);
  if (dual)
    weights = x.transpose() * solver.solve(Eigen::MatrixXd(y));
  else
    weights = solver.solve(Eigen::MatrixXd(x.transpose() * y));
  bias = y_mean - x_mean * weights;
  weights.array().colwise() /=
      deviation.transpose().array();  // centred by x_mean above: only the scale is left to fold in
  return model;
}

}  // namespace mgca::metrics

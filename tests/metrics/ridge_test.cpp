#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/random.hpp>
#include <mgca/metrics/ridge.hpp>

#include <limits>

namespace metrics = mgca::metrics;
using mgca::Image;
using mgca::test::expect_error;

namespace {

Image<float> normal_table(std::uint64_t seed, mgca::ImageSize size) {
  mgca::RandomStream random({.seed = seed}, mgca::Use::test);
  Image<float> table(size);
  for (auto& value : table.pixels()) value = static_cast<float>(random.normal());
  return table;
}

}  // namespace

TEST_CASE("ridge: primal and dual agree and satisfy the normal equations", "[metrics][fast]") {
  for (const std::int64_t width : {4, 40}) {
    const std::int64_t n = 25, outputs = 3;
    const auto x = normal_table(10, {.height = n, .width = width}),
               y = normal_table(11, {.height = n, .width = outputs});
    for (const auto scaling : {mgca::Scaling::none, mgca::Scaling::standard}) {
      const auto primal =
          metrics::fit_ridge(x.plane(), y.plane(), {.l2 = 0.3, .scaling = scaling, .form = mgca::RidgeForm::primal});
      const auto dual =
          metrics::fit_ridge(x.plane(), y.plane(), {.l2 = 0.3, .scaling = scaling, .form = mgca::RidgeForm::dual});
      const auto deviation = metrics::fit_scaling(x.plane(), scaling).deviation;
      const auto predicted = metrics::predict(primal, x.plane());
      for (std::size_t k = 0; k < primal.weights.size(); ++k)
        CHECK(primal.weights[k] == Approx(dual.weights[k]).margin(1e-9));
      for (std::int64_t m = 0; m < outputs; ++m) {
        CHECK(primal.bias[static_cast<std::size_t>(m)] == Approx(dual.bias[static_cast<std::size_t>(m)]).margin(1e-9));
        double sum = 0;
        for (std::int64_t i = 0; i < n; ++i) sum += predicted[static_cast<std::size_t>(i * outputs + m)] - y.at(i, m);
        CHECK(std::abs(sum) < 1e-8);  // the bias is free
        for (std::int64_t j = 0; j < width; ++j) {
          const double s = deviation[static_cast<std::size_t>(j)];
          double gradient = 0.3 * s * s * primal.weights[static_cast<std::size_t>(j * outputs + m)];
          for (std::int64_t i = 0; i < n; ++i) {
            gradient += x.at(i, j) * (predicted[static_cast<std::size_t>(i * outputs + m)] - y.at(i, m));
          }
          CHECK(std::abs(gradient) < 1e-8);
        }
      }
    }
  }
}

TEST_CASE("ridge: a line through three points, shrunk as the formula says", "[metrics][fast]") {
  Image<float> x({.height = 3, .width = 1}), y({.height = 3, .width = 1});
  for (std::int64_t i = 0; i < 3; ++i) x.at(i, 0) = static_cast<float>(i), y.at(i, 0) = static_cast<float>(2 * i + 1);
  const auto model = metrics::fit_ridge(x.plane(), y.plane(), {.l2 = 2});
  CHECK(model.weights[0] == Approx(4.0 / (2 + 2)));  // sum (x - 1)(y - 3) = 4, sum (x - 1)^2 = 2
  CHECK(model.bias[0] == Approx(3 - 1.0));
}

TEST_CASE("ridge: non-finite features, shapes and penalties are refused", "[metrics][fast]") {
  auto x = normal_table(1, {.height = 4, .width = 2});
  const auto other = normal_table(2, {.height = 3, .width = 1});
  expect_error([&] { (void)metrics::fit_ridge(x.plane(), other.plane()); }, {"4 rows", "3 rows"});
  expect_error([&] { (void)metrics::fit_ridge(x.plane(), x.plane(), {.l2 = -1}); }, {"positive l2"});
  const auto model = metrics::fit_ridge(x.plane(), x.plane());
  expect_error([&] { (void)metrics::predict(model, other.plane()); }, {"2 features", "got 1"});
  x.at(0, 1) = std::numeric_limits<float>::quiet_NaN();
  expect_error([&] { (void)metrics::fit_ridge(x.plane(), x.plane()); }, {"feature 1 of row 0"});
}

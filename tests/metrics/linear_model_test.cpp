#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/random.hpp>
#include <mgca/metrics/linear_model.hpp>

#include <limits>

namespace metrics = mgca::metrics;
using mgca::Image;
using mgca::LinearModel;
using mgca::test::expect_error;

namespace {
Image<float> table(std::vector<float> values, std::int64_t width) {
  Image<float> image({.height = static_cast<std::int64_t>(values.size()) / width, .width = width});
  std::copy(values.begin(), values.end(), image.pixels().begin());
  return image;
}
}  // namespace

TEST_CASE("linear_model: predictions are weights times features plus bias", "[metrics][fast]") {
  const LinearModel model{.features = 2, .outputs = 2, .weights = {1, 10, 2, 20}, .bias = {0.5, -1}};
  CHECK(metrics::predict(model, table({1, 2, 0, 3}, 2).plane()) == std::vector<double>{5.5, 49, 6.5, 59});
}

TEST_CASE("linear_model: scaling gives mean 0 and deviation 1, a constant feature keeps deviation 1", "[metrics][fast]") {
  const auto scaling = metrics::fit_scaling(table({1, 5, 3, 5, 5, 5, 7, 5}, 2).plane(), mgca::Scaling::standard);
  CHECK(scaling.mean == std::vector<double>{4, 5});
  CHECK(scaling.deviation[0] == Approx(std::sqrt(5.0)));
  CHECK(scaling.deviation[1] == 1);
  const auto none = metrics::fit_scaling(table({1, 5, 3, 5}, 2).plane(), mgca::Scaling::none);
  CHECK((none.mean == std::vector<double>{0, 0} && none.deviation == std::vector<double>{1, 1}));
}

TEST_CASE("linear_model: a model of scaled features and its unscaled form predict the same", "[metrics][fast]") {
  mgca::RandomStream random({.seed = 1}, mgca::Use::test);
  Image<float> raw({.height = 20, .width = 3});
  for (auto& value : raw.pixels()) value = static_cast<float>(5 + 3 * random.normal());
  const auto scaling = metrics::fit_scaling(raw.plane(), mgca::Scaling::standard);
  auto scaled = raw;
  for (std::int64_t i = 0; i < 20; ++i) {
    for (std::int64_t j = 0; j < 3; ++j) {
      const auto k = static_cast<std::size_t>(j);
      scaled.at(i, j) = static_cast<float>((raw.at(i, j) - scaling.mean[k]) / scaling.deviation[k]);
    }
  }
  LinearModel model{.features = 3, .outputs = 2, .weights = {}, .bias = {0.3, -2}};
  for (int i = 0; i < 6; ++i) model.weights.push_back(random.normal());
  const auto expected = metrics::predict(model, scaled.plane());
  const auto found = metrics::predict(metrics::unscaled(model, scaling), raw.plane());
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(found[i] == Approx(expected[i]).margin(1e-5));
}

TEST_CASE("linear_model: probabilities are those of the logistic function, at any size of logit", "[metrics][fast]") {
  const auto found = metrics::probabilities({0, std::log(3.0), -1000, 1000});
  CHECK(found[0] == 0.5);
  CHECK(found[1] == Approx(0.75));
  CHECK(found[2] == 0);
  CHECK(found[3] == 1);
}

TEST_CASE("linear_model: features that do not fit or are not finite are refused by place", "[metrics][fast]") {
  const LinearModel model{.features = 3, .outputs = 1, .weights = {1, 1, 1}, .bias = {0}};
  expect_error([&] { (void)metrics::predict(model, table({1, 2}, 2).plane()); }, {"3 features", "got 2"});
  expect_error([&] { (void)metrics::predict(model, table({1, 2, std::numeric_limits<float>::infinity()}, 3).plane()); }, {"feature 2 of row 0"});
  expect_error([&] { (void)metrics::predict(model, Image<float>().plane()); }, {"0 x 0"});
}

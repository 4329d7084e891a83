#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/random.hpp>
#include <mgca/metrics/logistic.hpp>
#include <mgca/metrics/roc_auc.hpp>

#include <limits>

namespace metrics = mgca::metrics;
using mgca::Image;
using mgca::test::expect_error;

namespace {

Image<float> random_table(std::uint64_t seed, mgca::ImageSize size) {
  mgca::RandomStream random({.seed = seed}, mgca::Use::test);
  Image<float> table(size);
  for (auto& value : table.pixels()) value = static_cast<float>(random.normal());
  return table;
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

TEST_CASE("logistic: at the solution the gradient of the penalised loss is zero", "[metrics][fast]") {
  const std::int64_t n = 200, d = 6, classes = 2;
  auto x = random_table(1, {.height = n, .width = d});
  for (std::int64_t i = 0; i < n; ++i) x.at(i, 2) = 50 + 20 * x.at(i, 2);  // a feature of another scale
  mgca::RandomStream random({.seed = 2}, mgca::Use::test);
  std::vector<std::uint8_t> labels, known;
  for (std::int64_t i = 0; i < n; ++i) {
    labels.push_back(random.uniform() < logistic(2.0 * x.at(i, 0) - x.at(i, 1)) ? 1 : 0);
    labels.push_back(random.uniform() < logistic((x.at(i, 2) - 50) / 10.0 + 1) ? 1 : 0);
    known.push_back(i % 5 != 0);
    known.push_back(1);
  }
  const mgca::ScoreTable table{.labels = labels, .classes = classes, .known = known};
  const double l2 = 0.7;
  const auto fit =
      metrics::fit_logistic(x.plane(), table, {.l2 = l2, .scaling = mgca::Scaling::none, .tolerance = 1e-9});
  const auto p = metrics::probabilities(metrics::predict(fit.model, x.plane()));
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::int64_t j = 0; j <= d; ++j) {
      double gradient = j < d ? l2 * fit.model.weights[static_cast<std::size_t>(j) * 2 + c] : 0;
      for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
        if (known[i * 2 + c] == 0) continue;
        gradient += (p[i * 2 + c] - labels[i * 2 + c]) * (j < d ? x.at(static_cast<std::int64_t>(i), j) : 1.0F);
      }
      INFO("class " << c << ", feature " << j);
      CHECK(std::abs(gradient) < 1e-5);
    }
  }
  CHECK(fit.model.weights[0] > 1);
  CHECK(fit.model.weights[2] < -0.4);
  CHECK(fit.constant.empty());
}

TEST_CASE("logistic: standardised and raw features give the same model when the penalty vanishes", "[metrics][fast]") {
  const auto x = random_table(5, {.height = 120, .width = 3});
  std::vector<std::uint8_t> labels;
  mgca::RandomStream random({.seed = 7}, mgca::Use::test);
  for (std::int64_t i = 0; i < 120; ++i) labels.push_back(random.uniform() < logistic(x.at(i, 0)) ? 1 : 0);
  const mgca::ScoreTable table{.labels = labels};
  const auto raw =
      metrics::fit_logistic(x.plane(), table, {.l2 = 1e-7, .scaling = mgca::Scaling::none, .tolerance = 1e-9});
  const auto scaled = metrics::fit_logistic(x.plane(), table, {.l2 = 1e-7, .tolerance = 1e-9});
  for (std::size_t j = 0; j < 3; ++j) CHECK(raw.model.weights[j] == Approx(scaled.model.weights[j]).epsilon(1e-4));
  CHECK(raw.model.bias[0] == Approx(scaled.model.bias[0]).epsilon(1e-4));
}

TEST_CASE("logistic: one binary feature without penalty gives the log odds of the table", "[metrics][fast]") {
  // x = 0: 3 of 10 positive; x = 1: 8 of 10 positive.
  Image<float> x({.height = 20, .width = 1});
  std::vector<std::uint8_t> labels(20);
  for (std::size_t i = 0; i < 20; ++i) {
    x.pixels()[i] = i < 10 ? 0.0F : 1.0F;
    labels[i] = (i < 3 || (i >= 10 && i < 18)) ? 1 : 0;
  }
  const auto fit = metrics::fit_logistic(x.plane(), {.labels = labels}, {.l2 = 1e-9, .tolerance = 1e-10});
  CHECK(fit.model.bias[0] == Approx(std::log(3.0 / 7.0)).epsilon(1e-5));
  CHECK(fit.model.weights[0] == Approx(std::log(4.0) - std::log(3.0 / 7.0)).epsilon(1e-5));
}

TEST_CASE("logistic: a class of one label gets a constant and says so", "[metrics][fast]") {
  const auto x = random_table(3, {.height = 9, .width = 2});
  const std::vector<std::uint8_t> labels(9, 0);
  const auto fit = metrics::fit_logistic(x.plane(), {.labels = labels});
  CHECK(fit.constant == std::vector<std::int64_t>{0});
  CHECK(fit.model.weights == std::vector<double>{0, 0});
  CHECK(fit.model.bias[0] == Approx(std::log(0.5 / 9.5)));
}

TEST_CASE("logistic: separable data with more features than rows stay finite", "[metrics][fast]") {
  const auto x = random_table(4, {.height = 30, .width = 300});
  std::vector<std::uint8_t> labels;
  for (std::int64_t i = 0; i < 30; ++i) labels.push_back(x.at(i, 0) > 0 ? 1 : 0);
  const auto fit = metrics::fit_logistic(x.plane(), {.labels = labels});
  const auto logits = metrics::predict(fit.model, x.plane());
  std::vector<float> scores(logits.begin(), logits.end());
  CHECK(*metrics::roc_auc(scores, labels) == 1.0);
}

TEST_CASE("logistic: non-finite features, foreign labels, shapes and penalties are refused", "[metrics][fast]") {
  auto x = random_table(1, {.height = 4, .width = 2});
  const std::vector<std::uint8_t> labels{0, 1, 0, 1}, foreign{0, 1, 2, 0};
  expect_error([&] { (void)metrics::fit_logistic(x.plane(), {.labels = labels}, {.l2 = 0}); },
               {"positive l2", "got 0"});
  expect_error([&] { (void)metrics::fit_logistic(x.plane(), {.labels = labels, .classes = 2}); }, {"4 x 2", "got 4"});
  expect_error([&] { (void)metrics::fit_logistic(x.plane(), {.labels = foreign}); }, {"row 2", "is 2"});
  expect_error([&] { (void)metrics::fit_logistic(x.plane(), {.labels = labels}, {.max_iterations = 1}); },
               {"after 1 iterations", "raise max_iterations"});
  x.at(2, 1) = std::numeric_limits<float>::infinity();
  expect_error([&] { (void)metrics::fit_logistic(x.plane(), {.labels = labels}); }, {"feature 1 of row 2"});
}

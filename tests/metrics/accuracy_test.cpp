#include "catch.hpp"
#include "expect_error.hpp"
#include "metrics_golden.hpp"

#include <mgca/metrics/accuracy.hpp>

#include <limits>

namespace metrics = mgca::metrics;
using mgca::test::expect_error;

namespace {
mgca::Plane<const float> rows_of(const std::vector<float>& values, std::int64_t classes) {
  return {.pixels = values, .height = static_cast<std::int64_t>(values.size()) / classes, .width = classes};
}
}  // namespace

TEST_CASE("top_k, cross_entropy: equal the reference", "[metrics][golden][fast]") {
  const mgca::test::MetricsGolden golden;
  for (int c = 0; c < 3; ++c) {
    INFO("case " << c);
    const auto logits = golden.logits(c);
    const auto targets = golden.targets(c);
    golden.check("multiclass.accuracy", c, {metrics::top_k(rows_of(logits, 3), targets)});
    golden.check("multiclass.cross_entropy", c, {metrics::cross_entropy(rows_of(logits, 3), targets)});
    const auto matrix = metrics::confusion_matrix(rows_of(logits, 3), targets);
    const auto right = matrix.at(0, 0) + matrix.at(1, 1) + matrix.at(2, 2);
    golden.check("multiclass.accuracy", c, {static_cast<double>(right) / static_cast<double>(targets.size())});
  }
}

TEST_CASE("top_k: grows with k to one, and a constant output earns nothing before", "[metrics][fast]") {
  const std::vector<float> scores{3, 2, 1, 1, 2, 3, 2, 3, 1};
  const std::vector<std::int64_t> labels{1, 0, 1};
  CHECK(metrics::top_k(rows_of(scores, 3), labels, 1) == Approx(1.0 / 3));
  CHECK(metrics::top_k(rows_of(scores, 3), labels, 2) == Approx(2.0 / 3));
  CHECK(metrics::top_k(rows_of(scores, 3), labels, 3) == 1.0);
  const std::vector<float> constant(9, 0.5F);
  CHECK(metrics::top_k(rows_of(constant, 3), labels, 2) == 0.0);
}

TEST_CASE("confusion_matrix: counts by truth and prediction; a class without samples is undefined", "[metrics][fast]") {
  const std::vector<float> scores{1, 0, 0, 0, 1, 0, 1, 0, 0};
  const auto matrix = metrics::confusion_matrix(rows_of(scores, 3), std::vector<std::int64_t>{0, 0, 1});
  CHECK(matrix.counts == std::vector<std::int64_t>{1, 1, 0, 1, 0, 0, 0, 0, 0});
  const auto parts = matrix.per_class();
  CHECK(*parts[0] == 0.5);
  CHECK(*parts[1] == 0.0);
  CHECK_FALSE(parts[2].has_value());
}

TEST_CASE("accuracy: foreign labels, NaN, k and shapes are refused with row and range", "[metrics][fast]") {
  const std::vector<float> scores{1, 0, 0, 1};
  const std::vector<std::int64_t> labels{0, 1};
  expect_error(
      [&] {
        (void)metrics::top_k(rows_of(scores, 2), std::vector<std::int64_t>{0, 2});
      },
      {"label 2", "row 1", "0 .. 1"});
  expect_error([&] { (void)metrics::top_k(rows_of(scores, 2), labels, 3); }, {"1 .. 2", "got 3"});
  expect_error([&] { (void)metrics::top_k(rows_of(scores, 2), std::vector<std::int64_t>{0}); }, {"1 labels", "2 rows"});
  const std::vector<float> broken{1, std::numeric_limits<float>::quiet_NaN(), 0, 1};
  expect_error([&] { (void)metrics::confusion_matrix(rows_of(broken, 2), labels); }, {"row 0", "NaN"});
  expect_error([&] { (void)metrics::cross_entropy({}, {}); }, {"0 x 0"});
}

TEST_CASE("accuracy: correlation of a confusion matrix is that of Matthews for two classes, nothing for one answer", "[metrics][fast]") {
  const mgca::ConfusionMatrix two{.classes = 2, .counts = {6, 2, 1, 3}};
  CHECK(*two.accuracy() == 0.75);
  CHECK(*two.mcc() == Approx((3 * 6 - 2 * 1) / std::sqrt(5.0 * 4 * 8 * 7)));
  CHECK_FALSE(mgca::ConfusionMatrix{.classes = 2, .counts = {6, 0, 2, 0}}.mcc().has_value());
  CHECK_FALSE(mgca::ConfusionMatrix{.classes = 2, .counts = {0, 0, 0, 0}}.accuracy().has_value());
}

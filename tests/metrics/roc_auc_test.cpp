#include "catch.hpp"
#include "expect_error.hpp"
#include "metrics_golden.hpp"

#include <mgca/core/random.hpp>
#include <mgca/metrics/ranked_scores.hpp>

#include <limits>

using mgca::metrics::roc_auc;
using mgca::test::expect_error;

namespace {

// The definition: the part of the (positive, negative) pairs in the right order, ties one half.
std::optional<double> by_definition(const std::vector<float>& scores, const std::vector<std::uint8_t>& labels) {
  double wins = 0, pairs = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (labels[i] != 1) continue;
    for (std::size_t j = 0; j < scores.size(); ++j) {
      if (labels[j] != 0) continue;
      ++pairs;
      wins += scores[i] > scores[j] ? 1.0 : scores[i] == scores[j] ? 0.5 : 0.0;
    }
  }
  return pairs > 0 ? std::optional(wins / pairs) : std::nullopt;
}

struct Sample {
  std::vector<float> scores;
  std::vector<std::uint8_t> labels;
};

// `levels` distinct scores of both signs, so that ties are frequent when it is small.
Sample random_sample(std::uint64_t seed, std::size_t count, std::uint64_t levels) {
  mgca::RandomStream random({.seed = seed}, mgca::Use::test);
  Sample sample;
  for (std::size_t i = 0; i < count; ++i) {
    const auto level = static_cast<double>(random.below(levels)) - static_cast<double>(levels) / 2;
    sample.scores.push_back(static_cast<float>(level / 7.0));
    sample.labels.push_back(random.uniform() < 0.3 ? 1 : 0);
  }
  return sample;
}

}  // namespace

TEST_CASE("roc_auc: equals the definition over all pairs, ties included", "[metrics][fast]") {
  int undefined = 0;
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    const auto [scores, labels] = random_sample(seed, 1 + seed % 60, 1 + seed % 9);
    const auto expected = by_definition(scores, labels);
    INFO("seed " << seed);
    REQUIRE(roc_auc(scores, labels).has_value() == expected.has_value());
    undefined += expected ? 0 : 1;
    if (!expected) continue;
    CHECK(*roc_auc(scores, labels) == Approx(*expected).epsilon(1e-12));
    const mgca::metrics::RankedScores ranked(scores, labels);
    CHECK(*ranked.auc(std::vector<std::uint32_t>(scores.size(), 1)) == *roc_auc(scores, labels));
    CHECK(*ranked.auc(std::vector<std::uint32_t>(scores.size(), 3)) == *roc_auc(scores, labels));
  }
  CHECK(undefined > 0);
  const auto [scores, labels] = random_sample(1, 2500, 400);  // long enough for the counting sort
  CHECK(*roc_auc(scores, labels) == Approx(*by_definition(scores, labels)).epsilon(1e-12));
}

TEST_CASE("roc_auc: weights equal repeated samples", "[metrics][fast]") {
  const auto [scores, labels] = random_sample(5, 80, 11);
  mgca::RandomStream random({.seed = 6}, mgca::Use::test);
  std::vector<std::uint32_t> times;
  Sample repeated;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    times.push_back(static_cast<std::uint32_t>(random.below(4)));
    for (std::uint32_t k = 0; k < times.back(); ++k) {
      repeated.scores.push_back(scores[i]);
      repeated.labels.push_back(labels[i]);
    }
  }
  const mgca::metrics::RankedScores ranked(scores, labels);
  CHECK(*ranked.auc(times) == *roc_auc(repeated.scores, repeated.labels));
  CHECK_FALSE(ranked.auc(std::vector<std::uint32_t>(scores.size(), 0)).has_value());
}

TEST_CASE("roc_auc: order and strictly rising maps change nothing, reversal complements", "[metrics][fast]") {
  auto [scores, labels] = random_sample(9, 300, 40);
  const double area = *roc_auc(scores, labels);
  auto mapped = scores, reversed = scores;
  for (auto& s : mapped) s = std::exp(s);
  for (auto& s : reversed) s = -s;
  CHECK(*roc_auc(mapped, labels) == area);
  CHECK(*roc_auc(reversed, labels) == Approx(1 - area).epsilon(1e-12));
  std::reverse(scores.begin(), scores.end());
  std::reverse(labels.begin(), labels.end());
  CHECK(*roc_auc(scores, labels) == area);
}

TEST_CASE("roc_auc: zero of either sign and infinities are ordinary scores", "[metrics][fast]") {
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(*roc_auc(std::vector<float>{-0.0F, 0.0F}, std::vector<std::uint8_t>{0, 1}) == 0.5);
  CHECK(*roc_auc(std::vector<float>{-infinity, -1, 2, infinity}, std::vector<std::uint8_t>{0, 0, 1, 1}) == 1.0);
}

TEST_CASE("roc_auc: areas per class and their mean equal the reference", "[metrics][golden][fast]") {
  const mgca::test::MetricsGolden golden;
  for (int c = 0; c < 10; ++c) {
    INFO("case " << c);
    const auto macro = mgca::metrics::macro_roc_auc(golden.table(c));
    golden.check("auroc_per_class", c, macro.per_class);
    golden.check("auroc_macro_defined", c, {macro.mean});
    CHECK(macro.defined == macro.classes() - (c == 3 || c == 4 ? 1 : 0));
  }
}

TEST_CASE("macro_mean: no defined class gives no mean, unknown labels leave their class only", "[metrics][fast]") {
  const std::vector<float> scores{0.1F, 0.9F, 0.2F, 0.8F, 0.3F, 0.7F};  // (3, 2)
  const std::vector<std::uint8_t> same(6, 1), labels{0, 1, 1, 0, 1, 0};
  const auto none = mgca::metrics::macro_roc_auc({.scores = scores, .labels = same, .classes = 2});
  CHECK_FALSE(none.mean.has_value());
  CHECK(none.defined == 0);
  CHECK(none.classes() == 2);
  const std::vector<std::uint8_t> known{0, 1, 1, 1, 1, 1};  // takes the only negative from class 0
  const auto one = mgca::metrics::macro_roc_auc({.scores = scores, .labels = labels, .classes = 2, .known = known});
  CHECK(one.defined == 1);
  CHECK_FALSE(one.per_class[0].has_value());
  CHECK(*one.mean == 1.0);
}

TEST_CASE("roc_curve: steps of a small example, its Youden point, and its trapezoids", "[metrics][fast]") {
  const std::vector<float> scores{0.1F, 0.4F, 0.35F, 0.8F, 0.4F};
  const std::vector<std::uint8_t> labels{0, 0, 1, 1, 1};
  const auto curve = mgca::metrics::roc_curve(scores, labels);
  REQUIRE(curve);
  REQUIRE(curve->points.size() == 5);
  const double expected[5][2] = {{0, 0}, {0, 1.0 / 3}, {0.5, 2.0 / 3}, {0.5, 1}, {1, 1}};
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(curve->points[i].false_positive_rate == Approx(expected[i][0]));
    CHECK(curve->points[i].true_positive_rate == Approx(expected[i][1]));
  }
  CHECK(curve->area == Approx(4.5 / 6));
  const auto best = mgca::metrics::youden(*curve);
  CHECK(best.threshold == 0.35F);
  CHECK(best.true_positive_rate - best.false_positive_rate == Approx(0.5));
  const auto [many, many_labels] = random_sample(21, 500, 60);
  const auto long_curve = *mgca::metrics::roc_curve(many, many_labels);
  double area = 0;
  for (std::size_t i = 1; i < long_curve.points.size(); ++i) {
    const auto &a = long_curve.points[i - 1], &b = long_curve.points[i];
    CHECK(b.threshold < a.threshold);
    area += (b.false_positive_rate - a.false_positive_rate) * (a.true_positive_rate + b.true_positive_rate) / 2;
  }
  CHECK(area == Approx(long_curve.area).epsilon(1e-12));
}

TEST_CASE("roc_auc: NaN, foreign labels and unequal lengths are refused by position", "[metrics][fast]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::uint8_t> labels{0, 1, 1};
  expect_error([&] { (void)roc_auc(std::vector<float>{0, nan, 1}, labels); }, {"score 1", "NaN"});
  expect_error([&] { (void)roc_auc(std::vector<float>{0, 1}, labels); }, {"2 scores", "3 labels"});
  expect_error([] { (void)roc_auc(std::vector<float>{0, 1}, std::vector<std::uint8_t>{0, 255}); }, {"label 1", "255"});
  expect_error(
      [&] {
        (void)mgca::metrics::macro_roc_auc({.scores = std::vector<float>{0, 1, 2}, .labels = labels, .classes = 2});
      },
      {"3 scores", "2 classes"});
  CHECK_FALSE(roc_auc({}, {}).has_value());
}

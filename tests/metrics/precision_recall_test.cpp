#include "catch.hpp"
#include "expect_error.hpp"
#include "metrics_golden.hpp"

#include <mgca/metrics/accuracy.hpp>
#include <mgca/metrics/precision_recall.hpp>

namespace metrics = mgca::metrics;
using mgca::BinaryCounts;

TEST_CASE("average_precision: equals the reference on every class with a positive", "[metrics][golden][fast]") {
  const mgca::test::MetricsGolden golden;
  for (int c = 0; c < 10; ++c) {
    INFO("case " << c);
    golden.check("average_precision_per_class", c, metrics::macro_average_precision(golden.table(c)).per_class);
  }
}

TEST_CASE("count_at: F1 and accuracies equal the reference", "[metrics][golden][fast]") {
  const mgca::test::MetricsGolden golden;
  for (int c = 0; c < 10; ++c) {
    INFO("case " << c);
    const auto table = golden.table(c);
    std::vector<std::optional<double>> f1, accuracy;
    BinaryCounts all;
    for (std::int64_t k = 0; k < table.classes; ++k) {
      const auto column = metrics::column(table, k);
      const auto counts = metrics::count_at(column.scores, column.labels, 0.5F);
      f1.push_back(counts.f1());
      accuracy.push_back(counts.accuracy());
      all += counts;
    }
    golden.check("f1_per_class", c, f1);
    golden.check("f1_macro", c, {metrics::macro_mean(f1).mean});
    golden.check("f1_micro", c, {all.f1()});
    golden.check("accuracy_per_label", c, accuracy);
    golden.check("accuracy_exact_match", c, {metrics::exact_match(table)});
  }
}

TEST_CASE("precision_recall_curve: a hand-computed example with a tie", "[metrics][fast]") {
  const std::vector<float> scores{0.9F, 0.5F, 0.5F, 0.1F};
  const std::vector<std::uint8_t> labels{1, 0, 1, 1};
  const auto curve = metrics::precision_recall_curve(scores, labels);
  REQUIRE(curve);
  REQUIRE(curve->points.size() == 3);
  CHECK(curve->prevalence == 0.75);
  CHECK(curve->points[1].precision == Approx(2.0 / 3));
  CHECK(curve->points[1].recall == Approx(2.0 / 3));
  CHECK(curve->average_precision == Approx((1 + 2.0 / 3 + 3.0 / 4) / 3));
}

TEST_CASE("average_precision: constant scores give the prevalence, no positive gives nothing", "[metrics][fast]") {
  const std::vector<float> scores(8, 0.3F);
  CHECK(*metrics::average_precision(scores, std::vector<std::uint8_t>{1, 0, 0, 0, 1, 0, 0, 0}) == 0.25);
  CHECK_FALSE(metrics::average_precision(scores, std::vector<std::uint8_t>(8, 0)).has_value());
}

TEST_CASE("best_f1_threshold: the count at the threshold reaches the best F1 of all thresholds", "[metrics][fast]") {
  const std::vector<float> scores{0.9F, 0.8F, 0.7F, 0.7F, 0.4F, 0.2F};
  const std::vector<std::uint8_t> labels{1, 0, 1, 1, 0, 0};
  const auto threshold = metrics::best_f1_threshold(scores, labels);
  REQUIRE(threshold);
  double best = 0;
  for (const float t : {0.0F, 0.3F, 0.5F, 0.75F, 0.85F})
    best = std::max(best, *metrics::count_at(scores, labels, t).f1());
  CHECK(*metrics::count_at(scores, labels, *threshold).f1() == best);
  CHECK_FALSE(metrics::best_f1_threshold(scores, std::vector<std::uint8_t>(6, 0)).has_value());
}

TEST_CASE("count_at: a ratio without a denominator is nothing, not zero", "[metrics][fast]") {
  const auto counts = metrics::count_at(std::vector<float>{0.1F, 0.2F}, std::vector<std::uint8_t>{0, 0}, 0.5F);
  CHECK_FALSE(counts.precision().has_value());
  CHECK_FALSE(counts.sensitivity().has_value());
  CHECK_FALSE(counts.f1().has_value());
  CHECK(*counts.specificity() == 1.0);
  CHECK_FALSE(BinaryCounts{}.accuracy().has_value());
}

TEST_CASE("counts: balanced accuracy and correlation by hand, nothing where a row or column of the table is empty", "[metrics][fast]") {
  const mgca::BinaryCounts counts{.true_positive = 3, .false_positive = 2, .true_negative = 6, .false_negative = 1};
  CHECK(*counts.balanced_accuracy() == Approx((0.75 + 0.75) / 2));
  CHECK(*counts.mcc() == Approx((3 * 6 - 2 * 1) / std::sqrt(5.0 * 4 * 8 * 7)));
  CHECK_FALSE(mgca::BinaryCounts{.true_positive = 3, .false_negative = 1}.balanced_accuracy().has_value());
  CHECK_FALSE(mgca::BinaryCounts{.true_negative = 6, .false_negative = 1}.mcc().has_value());
}

#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/random.hpp>
#include <mgca/metrics/classification.hpp>

namespace metrics = mgca::metrics;
using mgca::Measure;
using mgca::test::expect_error;

namespace {

struct Table {
  std::vector<float> scores;
  std::vector<std::uint8_t> labels, known;
  std::int64_t classes;
  [[nodiscard]] mgca::ScoreTable view() const { return {.scores = scores, .labels = labels, .classes = classes, .known = known}; }
};

// Three findings: one that scores follow, one with holes and ties, one nobody has.
Table findings(std::uint64_t seed, std::int64_t rows) {
  mgca::RandomStream random({.seed = seed}, mgca::Use::test);
  Table t{.classes = 3};
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t c = 0; c < 3; ++c) {
      t.labels.push_back(c < 2 && random.uniform() < 0.4 ? 1 : 0);
      const double score = 4 * random.uniform() - 2 + t.labels.back();
      t.scores.push_back(static_cast<float>(c == 1 ? std::round(score) : score));
      t.known.push_back(c == 1 && i % 4 == 0 ? 0 : 1);
    }
  }
  return t;
}

}  // namespace

TEST_CASE("classification: every measure is the one of the headers beside it, on the known labels", "[metrics][fast]") {
  const auto valid = findings(1, 120), test = findings(2, 150);
  const auto thresholds = metrics::best_f1_thresholds(valid.view());
  CHECK_FALSE(thresholds[2].has_value());
  const auto found = metrics::classification(test.view(), {.thresholds = thresholds, .bootstrap = {.resamples = 40}});
  REQUIRE(found.classes.size() == 3);
  for (std::int64_t c = 0; c < 2; ++c) {
    const auto column = metrics::column(test.view(), c);
    const auto& one = found.classes[static_cast<std::size_t>(c)];
    const auto at = [&](Measure m) { return one.measures[m].estimate.value(); };
    CHECK(at(Measure::auroc) == Approx(*metrics::roc_auc(column.scores, column.labels)));
    CHECK(at(Measure::average_precision) == Approx(*metrics::average_precision(column.scores, column.labels)));
    const auto counts = metrics::count_at(column.scores, column.labels, *thresholds[static_cast<std::size_t>(c)]);
    CHECK(at(Measure::f1) == Approx(*counts.f1()));
    CHECK(at(Measure::mcc) == Approx(*counts.mcc()));
    CHECK(at(Measure::accuracy) == Approx(*counts.accuracy()));
    CHECK(at(Measure::balanced_accuracy) == Approx(*counts.balanced_accuracy()));
    CHECK(at(Measure::sensitivity) == Approx(*counts.sensitivity()));
    CHECK(at(Measure::specificity) == Approx(*counts.specificity()));
    CHECK(at(Measure::calibration_error) == Approx(one.reliability->expected_error));
    CHECK(at(Measure::brier) == Approx(one.reliability->brier));
    CHECK(one.present + one.absent + one.unknown == 150);
    CHECK(one.unknown == (c == 1 ? 38 : 0));
    for (const auto& interval : one.measures.all) CHECK((*interval.low <= *interval.high && interval.resamples == 40));
  }
  const auto& nobody = found.classes[2];
  const auto called = metrics::classification(test.view(), {.thresholds = {0.0F, 0.0F, 0.0F}, .bootstrap = {.resamples = 5}});
  CHECK_FALSE(called.classes[2].measures[Measure::f1].estimate.has_value());  // false alarms alone are no F1 of 0
  CHECK(called.classes[2].measures[Measure::specificity].estimate.has_value());
  CHECK(nobody.present == 0);
  for (const auto m : {Measure::auroc, Measure::average_precision, Measure::f1, Measure::sensitivity}) CHECK_FALSE(nobody.measures[m].estimate.has_value());
  CHECK(nobody.measures[Measure::brier].estimate.has_value());
  const auto place = [](Measure m) { return static_cast<std::size_t>(m); };
  CHECK(found.defined[place(Measure::auroc)] == 2);
  CHECK(found.defined[place(Measure::brier)] == 3);
  CHECK(*found.macro[Measure::auroc].estimate ==
        Approx((*found.classes[0].measures[Measure::auroc].estimate + *found.classes[1].measures[Measure::auroc].estimate) / 2));
}

TEST_CASE("classification: resampled measures are those of the table of the drawn rows", "[metrics][fast]") {
  const auto test = findings(3, 60);
  const std::vector<std::optional<float>> thresholds{0.2F, 0.0F, std::nullopt};
  std::vector<std::int64_t> patients;
  for (std::int64_t i = 0; i < 60; ++i) patients.push_back(i / 3);
  const mgca::BootstrapOptions options{.resamples = 25, .seed = 5, .groups = patients};
  const auto found = metrics::classification(test.view(), {.thresholds = thresholds, .bootstrap = options});
  const auto by_rows = metrics::bootstrap(60, [&](const mgca::Resample& draw) {
    Table drawn{.classes = 3};
    for (const auto i : draw.indices) {
      for (std::int64_t c = 0; c < 3; ++c) {
        const auto at = static_cast<std::size_t>(i * 3 + c);
        drawn.scores.push_back(test.scores[at]), drawn.labels.push_back(test.labels[at]), drawn.known.push_back(test.known[at]);
      }
    }
    const auto column = metrics::column(drawn.view(), 1);
    return std::vector<std::optional<double>>{metrics::roc_auc(column.scores, column.labels), metrics::average_precision(column.scores, column.labels),
                                              metrics::count_at(column.scores, column.labels, 0).mcc()};
  }, options);
  const auto& one = found.classes[1].measures;
  const std::vector<Measure> order{Measure::auroc, Measure::average_precision, Measure::mcc};
  for (std::size_t i = 0; i < order.size(); ++i) {
    CHECK(*one[order[i]].low == Approx(*by_rows[i].low));
    CHECK(*one[order[i]].high == Approx(*by_rows[i].high));
  }
}

TEST_CASE("classification: exclusive classes by hand, and what is no class is refused", "[metrics][fast]") {
  // Truth 0 0 1 2, answers 0 1 1 2.
  Table t{.scores = {3, 1, 0, 1, 2, 0, 0, 5, 1, 0, 0, 90}, .labels = {1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1}, .known = {}, .classes = 3};
  const auto found = metrics::classification(t.view(), {.kind = mgca::LabelKind::exclusive, .bootstrap = {.resamples = 20}});
  CHECK(found.accuracy.estimate == 0.75);
  CHECK(*found.mcc.estimate == Approx((3 * 4 - (2 * 1 + 1 * 2 + 1 * 1)) / std::sqrt((16.0 - 6) * (16.0 - 6))));
  CHECK(found.classes[0].measures[Measure::sensitivity].estimate == 0.5);
  CHECK(found.classes[1].measures[Measure::f1].estimate == Approx(2.0 / 3));
  CHECK(found.classes[2].measures[Measure::auroc].estimate == 1.0);
  CHECK(*found.macro[Measure::sensitivity].estimate == Approx((0.5 + 1 + 1) / 3));  // balanced accuracy over the classes
  t.labels[1] = 1;
  expect_error([&] { (void)metrics::classification(t.view(), {.kind = mgca::LabelKind::exclusive}); }, {"row 0 has 2"});
  expect_error([&] { (void)metrics::classification(t.view(), {.thresholds = {0.5F}}); }, {"1 thresholds for 3"});
}

#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/random.hpp>
#include <mgca/metrics/compare.hpp>
#include <mgca/metrics/roc_auc.hpp>

namespace metrics = mgca::metrics;
using mgca::test::expect_error;

namespace {

struct TwoScores {
  std::vector<float> first, second;
  std::vector<std::uint8_t> labels;
};

// Two related scores; few levels make many ties.
TwoScores sample(std::uint64_t seed, std::size_t count, double levels, double shift) {
  mgca::RandomStream random({.seed = seed}, mgca::Use::test);
  TwoScores out;
  for (std::size_t i = 0; i < count; ++i) {
    out.labels.push_back(i < 2 ? 1 : i < 4 ? 0 : random.uniform() < 0.4);
    const double shared = random.uniform() + random.uniform();
    const auto level = [&](double by) { return static_cast<float>(std::round((shared + random.uniform() + by * out.labels.back()) * levels)); };
    out.first.push_back(level(shift));
    out.second.push_back(level(0.5));
  }
  return out;
}

// The definition, over all pairs: psi(x, y) = 1, 1/2, 0.
std::vector<std::vector<double>> pairs(const std::vector<float>& scores, const std::vector<std::uint8_t>& labels) {
  std::vector<std::vector<double>> table;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (labels[i] == 0) continue;
    auto& row = table.emplace_back();
    for (std::size_t j = 0; j < scores.size(); ++j) {
      if (labels[j] == 0) row.push_back(scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0);
    }
  }
  return table;
}

double variance_by_definition(const std::vector<std::vector<double>>& psi) {
  const auto m = psi.size(), n = psi[0].size();
  std::vector<double> rows(m), columns(n);
  double all = 0;
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      rows[i] += psi[i][j] / static_cast<double>(n);
      columns[j] += psi[i][j] / static_cast<double>(m);
      all += psi[i][j] / static_cast<double>(m * n);
    }
  }
  const auto part = [&](const std::vector<double>& values) {
    double sum = 0;
    for (const double v : values) sum += (v - all) * (v - all);
    return sum / static_cast<double>(values.size() - 1) / static_cast<double>(values.size());
  };
  return part(rows) + part(columns);
}

}  // namespace

TEST_CASE("delong: areas, variances and the variance of a difference are those of the definition over all pairs", "[metrics][fast]") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    INFO("seed " << seed);
    const auto s = sample(seed, 5 + seed * 2, seed % 2 == 0 ? 3 : 1000, 0.8);
    const auto found = metrics::delong_test({.first = s.first, .second = s.second}, s.labels);
    REQUIRE(found.has_value());
    const auto a = pairs(s.first, s.labels), b = pairs(s.second, s.labels);
    auto change = a;
    for (std::size_t i = 0; i < a.size(); ++i) {
      for (std::size_t j = 0; j < a[i].size(); ++j) change[i][j] -= b[i][j];
    }
    CHECK(found->first.area == Approx(*metrics::roc_auc(s.first, s.labels)).epsilon(1e-12));
    CHECK(found->first.variance == Approx(variance_by_definition(a)).epsilon(1e-9).margin(1e-15));
    CHECK(found->second.variance == Approx(variance_by_definition(b)).epsilon(1e-9).margin(1e-15));
    CHECK(found->variance == Approx(variance_by_definition(change)).epsilon(1e-9).margin(1e-15));
    CHECK(found->difference == Approx(found->first.area - found->second.area));
    const auto other_way = metrics::delong_test({.first = s.second, .second = s.first}, s.labels);
    CHECK(other_way->p_value.value_or(-1) == Approx(found->p_value.value_or(-1)));
  }
}

TEST_CASE("delong: a hand-computed example", "[metrics][fast]") {
  // Positives 1, 3, 4 and negatives 0, 2: placements of positives 1/2, 1, 1, of negatives 1, 2/3; area 5/6,
  // variance (1/12) / 3 + (1/18) / 2.
  const std::vector<float> scores{1, 3, 4, 0, 2}, same{0, 0, 0, 0, 0}, perfect{2, 2, 2, 1, 1};
  const std::vector<std::uint8_t> labels{1, 1, 1, 0, 0};
  const auto found = metrics::delong(scores, labels);
  REQUIRE(found.has_value());
  CHECK(found->area == Approx(5.0 / 6));
  CHECK(found->variance == Approx(1.0 / 36 + 1.0 / 36));
  CHECK(found->low == Approx(5.0 / 6 - 1.959963985 * std::sqrt(1.0 / 18)));
  CHECK(found->high == 1);  // cut
  CHECK(metrics::delong_test({.first = scores, .second = scores}, labels)->p_value == 1.0);
  const auto certain = metrics::delong_test({.first = perfect, .second = same}, labels);
  CHECK(certain->difference == 0.5);
  CHECK_FALSE(certain->p_value.has_value());  // no variance, no test
  CHECK_FALSE(metrics::delong(std::vector<float>{1, 2, 3}, std::vector<std::uint8_t>{1, 0, 0}).has_value());
  expect_error([&] { (void)metrics::delong(scores, labels, 95); }, {"confidence", "95", "0.95"});
  expect_error([&] { (void)metrics::delong(std::vector<float>{1}, labels); }, {"1 scores", "5 labels"});
}

TEST_CASE("delong: equal systems are told apart as often as the level says, different ones nearly always", "[metrics][fast]") {
  int false_alarms = 0, found = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const auto equal = sample(seed, 120, 1000, 0.5);
    false_alarms += *metrics::delong_test({.first = equal.first, .second = equal.second}, equal.labels)->p_value < 0.05 ? 1 : 0;
    const auto better = sample(1000 + seed, 120, 1000, 1.5);
    found += *metrics::delong_test({.first = better.first, .second = better.second}, better.labels)->p_value < 0.05 ? 1 : 0;
  }
  CHECK(std::abs(false_alarms - 20) <= 15);  // 3.4 standard deviations
  CHECK(found > 380);
}

TEST_CASE("mcnemar: hand-computed tails of a fair coin", "[metrics][fast]") {
  const auto test = [](int only_first, int only_second, int both) {
    std::vector<std::uint8_t> a, b;
    const auto add = [&](int times, std::uint8_t x, std::uint8_t y) { a.insert(a.end(), static_cast<std::size_t>(times), x), b.insert(b.end(), static_cast<std::size_t>(times), y); };
    add(only_first, 1, 0), add(only_second, 0, 1), add(both, 1, 1);
    return metrics::mcnemar(a, b);
  };
  const auto found = test(8, 2, 10);
  CHECK(found.only_first == 8);
  CHECK(found.only_second == 2);
  CHECK(found.difference == Approx(0.3));
  CHECK(found.p_value == Approx(2 * (1 + 10 + 45) / 1024.0));
  CHECK(test(2, 8, 10).p_value == Approx(found.p_value));
  CHECK(test(5, 5, 0).p_value == 1);
  CHECK(test(0, 0, 3).p_value == 1);
  CHECK(test(600, 500, 9).p_value == Approx(0.002822).epsilon(0.01));  // (|b - c| - 1)^2 / (b + c) = 8.91, one degree of freedom
  expect_error([] { (void)metrics::mcnemar(std::vector<std::uint8_t>{1}, {}); }, {"1 and 0"});
}

TEST_CASE("holm: steps down from the smallest, never below one before, at most 1, undefined left out", "[metrics][fast]") {
  using P = std::optional<double>;
  const std::vector<P> p{0.01, {}, 0.04, 0.03, 0.005};
  const auto found = metrics::holm(p);
  REQUIRE(found.size() == 5);
  CHECK(*found[4] == Approx(0.02));
  CHECK(*found[0] == Approx(0.03));
  CHECK(*found[3] == Approx(0.06));
  CHECK(*found[2] == Approx(0.06));  // 1 x 0.04 is below the step before
  CHECK_FALSE(found[1].has_value());
  CHECK(metrics::holm(std::vector<P>{0.6, 0.7}) == std::vector<P>{1.0, 1.0});
  CHECK(metrics::holm(std::vector<P>{}).empty());
  expect_error([] { (void)metrics::holm(std::vector<P>{0.1, 1.5}); }, {"value 1 is 1.5"});
}

#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/metrics/paired_bootstrap.hpp>

using mgca::Resample;
using mgca::metrics::paired_bootstrap;
using mgca::test::expect_error;

namespace {

std::vector<double> normal_sample(std::size_t count, double mean) {
  mgca::RandomStream random({.seed = 4}, mgca::Use::test);
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(mean + random.normal());
  return values;
}

auto mean_on(const std::vector<double>& values) {
  return [&values](const Resample& r) {
    double sum = 0;
    for (const auto i : r.indices) sum += values[static_cast<std::size_t>(i)];
    return sum / static_cast<double>(r.indices.size());
  };
}

}  // namespace

TEST_CASE("paired_bootstrap: a real difference is found, none is not", "[metrics][fast]") {
  const auto base = normal_sample(200, 0.0);
  auto better = base;
  mgca::RandomStream random({.seed = 12}, mgca::Use::test);
  for (auto& value : better) value += 0.1 + 0.2 * random.normal();
  const auto test = paired_bootstrap(200, std::pair(mean_on(better), mean_on(base)), {.resamples = 1000, .seed = 1});
  CHECK(*test.difference.estimate == Approx(0.1).margin(0.04));
  CHECK(*test.difference.low > 0);
  CHECK(*test.p_value == Approx(2.0 / 1001));
  const auto same = paired_bootstrap(200, std::pair(mean_on(base), mean_on(base)), {.resamples = 100});
  CHECK(*same.p_value == 1.0);
  CHECK(*same.difference.estimate == 0.0);
}

TEST_CASE("paired_bootstrap: a list gives each place the test it has alone, with both values", "[metrics][fast]") {
  const auto a = normal_sample(60, 0.3), b = normal_sample(60, 0.0);
  const auto list = [](const std::vector<double>& values) {
    return [&values](const Resample& r) { return std::vector<std::optional<double>>{mean_on(values)(r), std::nullopt, r.times[0] > 0 ? mean_on(values)(r) : std::optional<double>()}; };
  };
  const auto found = paired_bootstrap(60, std::pair(list(a), list(b)), {.resamples = 200});
  const auto alone = paired_bootstrap(60, std::pair(mean_on(a), mean_on(b)), {.resamples = 200});
  REQUIRE(found.size() == 3);
  CHECK((found[0].p_value == alone.p_value && found[0].difference.low == alone.difference.low && found[0].difference.high == alone.difference.high));
  CHECK(*found[0].first - *found[0].second == Approx(*found[0].difference.estimate));
  CHECK((!found[1].p_value && !found[1].first && found[1].difference.undefined == 200));
  CHECK(found[2].difference.undefined > 30);  // the first item is missing in 37 % of the draws
  const auto one = [](const Resample&) { return std::vector<double>{1}; };
  expect_error([&] { (void)paired_bootstrap(3, std::pair(one, [](const Resample&) { return std::vector<double>{1, 2}; })); }, {"1 values", "second 2"});
}

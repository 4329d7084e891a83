#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/enum.hpp>
#include <mgca/viz/axis.hpp>
#include <mgca/viz/detail/svg.hpp>

#include <limits>

using namespace mgca;
using test::expect_error;
using viz::detail::Range;

TEST_CASE("round_ticks: multiples of 1, 2 or 5 that stay inside", "[viz][fast]") {
  const auto ticks = viz::detail::round_ticks(0, 1, 5);
  REQUIRE(ticks.values.size() == 6);
  CHECK(ticks.values[1] == Approx(0.2));
  CHECK(ticks.decimals == 1);
  for (const double high : {0.003, 0.7, 1.0, 3.4, 29.0, 8123.0, 4.2e7}) {
    for (const double low : {0.0, -0.3 * high, 0.9 * high}) {
      const auto some = viz::detail::round_ticks(low, high, 5);
      INFO(low << " to " << high);
      REQUIRE(some.values.size() >= 2);
      CHECK(some.values.size() <= 9);
      CHECK(some.values.front() >= low - 1e-9 * high);
      CHECK(some.values.back() <= high * (1 + 1e-9));
      std::vector<std::string> labels;
      for (const double value : some.values) labels.push_back(viz::detail::tick_label(value, some.decimals, high));
      CHECK(std::adjacent_find(labels.begin(), labels.end()) == labels.end());
    }
  }
  CHECK(viz::detail::tick_label(2000, 0, 20000) == "2k");
  CHECK(viz::detail::tick_label(1.5e6, 0, 2e6) == "1.5M");
  CHECK(viz::detail::fixed(-0.0004, 2) == "0.00");
}

TEST_CASE("axis: open ends move out to round values, given ends stay", "[viz][fast]") {
  const Range open(Axis{}, {0.13, 0.87}, 5);
  CHECK(open.low() == Approx(0.1));
  CHECK(open.high() == Approx(0.9));
  const Range given(Axis{.low = 0.13, .high = 0.87}, {0, 1}, 5);
  CHECK((given.low() == 0.13 && given.high() == 0.87));
  CHECK(given.part(0.13) == 0);
  CHECK(given.part(0.87) == 1);
  CHECK(given.part(0.5) == Approx(0.5));
}

TEST_CASE("axis: a logarithmic one has whole powers of ten at equal distances", "[viz][fast]") {
  const Range range(Axis{.scale = AxisScale::log10}, {0.002, 30}, 5);
  CHECK(range.low() == Approx(0.001));
  CHECK(range.high() == Approx(100));
  REQUIRE(range.ticks().size() == 6);
  for (std::size_t i = 0; i < 6; ++i) CHECK(range.part(range.ticks()[i]) == Approx(static_cast<double>(i) / 5).margin(1e-12));
}

TEST_CASE("axis: one value alone still has a range around it", "[viz][fast]") {
  for (const double value : {0.0, 5.0, -3.0, 1e-9}) {
    const Range range(Axis{}, {value, value}, 5);
    CHECK((range.low() <= value && value <= range.high() && range.low() < range.high()));
  }
  CHECK(parse_enum<AxisScale>("log10") == AxisScale::log10);
}

TEST_CASE("axis: ends out of order, without end or at zero on a logarithmic scale are refused by name", "[viz][fast]") {
  expect_error([] { Range(Axis{.label = "loss", .low = 2, .high = 1}, {0, 1}, 5); }, {"'loss'", "2 to 1"});
  expect_error([] { Range(Axis{.label = "loss"}, {0, std::numeric_limits<double>::infinity()}, 5); }, {"'loss'", "inf"});
  expect_error([] { Range(Axis{.label = "rate", .scale = AxisScale::log10}, {0, 1}, 5); }, {"'rate'", "above 0"});
}

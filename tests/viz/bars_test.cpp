#include "catch.hpp"
#include "expect_error.hpp"
#include "viz_support.hpp"

#include <mgca/viz/bars.hpp>

#include <limits>

using namespace mgca;
using test::count_of;
using test::expect_error;
using test::malformed;

namespace {
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
}  // namespace

TEST_CASE("bar_chart: lengths follow the values; intervals, chance and undefined values appear", "[viz][fast]") {
  const std::vector<BarRow> rows{{"half", {{0.5, 0.4, 0.6}}}, {"whole", {{1.0}}}, {"none", {{}}}};
  const auto svg = viz::bar_chart(rows, {.axis = {.low = 0, .high = 1}, .reference = 0.5, .reference_label = "chance"});
  CHECK(malformed(svg) == "");
  const auto width_after = [&](std::size_t from) {
    const auto at = svg.find("width=\"", svg.find("<rect", from)) + 7;
    return std::stod(svg.substr(at, 12));
  };
  CHECK(width_after(0) == Approx(width_after(svg.find("<rect") + 5) / 2).margin(0.02));
  CHECK(svg.find(">0.500<") != std::string::npos);
  CHECK(svg.find(">undefined<") != std::string::npos);
  CHECK(svg.find(">chance<") != std::string::npos);
  CHECK(count_of(svg, "<rect") == 2);
}

TEST_CASE("bar_chart: NaN, crossed intervals and missing systems are refused by row", "[viz][fast]") {
  const auto draw = [](std::vector<BarRow> rows, const BarChartOptions& options = {}) {
    (void)viz::bar_chart(rows, options);
  };
  expect_error([&] { draw({{"Edema", {{kNan}}}}); }, {"'Edema'", "not finite"});
  expect_error([&] { draw({{"Edema", {{0.5, 0.6, 0.4}}}}); }, {"'Edema'", "order"});
  expect_error([&] { draw({{"Edema", {{0.5}}}}, {.systems = {"a", "b"}}); }, {"1 bars", "2 systems"});
  expect_error([&] { draw({}); }, {"no rows"});
}

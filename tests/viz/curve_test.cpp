#include "catch.hpp"
#include "expect_error.hpp"
#include "viz_support.hpp"

#include <mgca/viz/curve.hpp>

#include <limits>

using namespace mgca;
using test::count_of;
using test::expect_error;
using test::malformed;

namespace {
constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();
std::string chart(std::vector<Series> series, const ChartOptions& options = {}) {
  return viz::line_chart(series, options);
}
}  // namespace

TEST_CASE("escape: markup, controls and broken UTF-8", "[viz][fast]") {
  CHECK(viz::detail::escape("a<b>&\"'") == "a&lt;b&gt;&amp;&quot;&#39;");
  CHECK(viz::detail::escape("Größe ✓ \U0001F600") == "Größe ✓ \U0001F600");
  CHECK(viz::detail::escape(std::string_view("\0", 1)) == "\uFFFD");
  CHECK(viz::detail::escape("\xE2\x82") == "\uFFFD\uFFFD");
  CHECK(viz::detail::escape("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD");  // a surrogate
  CHECK(viz::detail::escape("\xC0\xAF") == "\uFFFD\uFFFD");            // overlong
}

TEST_CASE("line_chart: points land where the axes say", "[viz][fast]") {
  const auto svg = chart({{.name = "", .x = {0, 10}, .y = {0, 1}}},
                         {.x = {.low = 0, .high = 10}, .y = {.low = 0, .high = 1}, .width = 400, .height = 200});
  CHECK(malformed(svg) == "");
  // left = widest label "0.0" (3 * 6.4) + 12, right = 400 - 16, top = 10, bottom = 200 - 30
  CHECK(svg.find("M31.2,170L384,10") != std::string::npos);
  CHECK(count_of(svg, "<circle") == 2);
}

TEST_CASE("line_chart: bands, steps, constant data, one point and logarithmic axes are well formed", "[viz][fast]") {
  CHECK(malformed(
            chart({{.name = "a", .x = {0, 1, 2}, .y = {1, 2, 1}, .low = {0, 1, 0}, .high = {2, 3, 2}, .steps = true},
                   {.name = "b", .x = {0, 2}, .y = {5, 5}, .dashed = true}})) == "");
  for (const double value : {0.0, 3.0, -2.0})
    CHECK(malformed(chart({{.name = "c", .x = {value}, .y = {value}}})) == "");
  const auto log = chart({{.name = "r", .x = {1, 2}, .y = {2e-6, 3e-3}}}, {.y = {.scale = AxisScale::log10}});
  for (const auto* tick : {">1e-6<", ">1e-5<", ">0.01<"}) CHECK(count_of(log, tick) == 1);
  std::vector<Series> many;
  for (int i = 0; i < 20; ++i)
    many.push_back({.name = "a rather long name " + std::to_string(i), .x = {0, 1}, .y = {0, 1}});
  CHECK(malformed(viz::line_chart(many, {.height = 420})) == "");
  CHECK(chart({{.name = "a", .x = {0, 1}, .y = {0, 1}}}) == chart({{.name = "a", .x = {0, 1}, .y = {0, 1}}}));
}

TEST_CASE("roc_chart: square with the line of chance", "[viz][fast]") {
  const std::vector<Series> curves{{.name = "a", .x = {0, 0.2, 1}, .y = {0, 0.9, 1}}};
  const auto svg = viz::roc_chart(curves);
  CHECK(malformed(svg) == "");
  CHECK(svg.find(">chance<") != std::string::npos);
  CHECK(svg.find(">sensitivity<") != std::string::npos);
  const std::vector<Series> outside{{.name = "a", .x = {0, 1}, .y = {0, 1.2}}};
  expect_error([&] { (void)viz::roc_chart(outside); }, {"point 1", "1.2"});
}

TEST_CASE("svg_file: an element becomes a document", "[viz][fast]") {
  const auto file = viz::svg_file(chart({{.name = "a", .x = {0, 1}, .y = {0, 1}}}));
  CHECK(file.starts_with(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox="));
  CHECK(malformed(file) == "");
  expect_error([] { (void)viz::svg_file("<p>"); }, {"<svg>"});
}

TEST_CASE("line_chart: undefined points, unequal lists and impossible axes are refused by name", "[viz][fast]") {
  expect_error([] { (void)chart({}); }, {"no series"});
  expect_error([] { (void)chart({{.name = "auc", .x = {0, 1}, .y = {0, kNotANumber}}}); }, {"point 1", "'auc'"});
  expect_error([] { (void)chart({{.name = "auc", .x = {0, 1}, .y = {0}}}); }, {"2 x", "1 y"});
  expect_error([] { (void)chart({{.name = "auc", .x = {0, 1}, .y = {0, 1}, .low = {0}}}); }, {"band", "1 low"});
  expect_error(
      [] {
        (void)chart({{.name = "l", .x = {0, 1}, .y = {0, 1}}}, {.y = {.label = "loss", .scale = AxisScale::log10}});
      },
      {"'loss'", "above 0"});
  expect_error(
      [] {
        (void)chart({{.name = "l", .x = {0, 1}, .y = {0, 1}}}, {.y = {.label = "loss", .low = 2, .high = 1}});
      },
      {"'loss'", "2 to 1"});
}

#include "catch.hpp"
#include "expect_error.hpp"
#include "viz_support.hpp"

#include <mgca/viz/bars.hpp>
#include <mgca/viz/curve.hpp>

#include <limits>

using namespace mgca;
using test::count_of;
using test::expect_error;
using test::malformed;

namespace {
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
std::string chart(std::vector<Series> series, const ChartOptions& options = {}) {
  return viz::line_chart(series, options);
}
}  // namespace

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

TEST_CASE("escape: markup, controls and broken UTF-8", "[viz][fast]") {
  CHECK(viz::detail::escape("a<b>&\"'") == "a&lt;b&gt;&amp;&quot;&#39;");
  CHECK(viz::detail::escape("Größe ✓ \U0001F600") == "Größe ✓ \U0001F600");
  CHECK(viz::detail::escape(std::string_view("\0", 1)) == "\uFFFD");
  CHECK(viz::detail::escape("\xE2\x82") == "\uFFFD\uFFFD");
  CHECK(viz::detail::escape("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD");  // a surrogate
  CHECK(viz::detail::escape("\xC0\xAF") == "\uFFFD\uFFFD");            // overlong
}

TEST_CASE("base64: the vectors of RFC 4648", "[viz][fast]") {
  const std::vector<std::pair<std::string, std::string>> vectors{{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) CHECK(viz::detail::base64(std::as_bytes(std::span(plain))) == coded);
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
  expect_error([] { (void)chart({{.name = "auc", .x = {0, 1}, .y = {0, kNan}}}); }, {"point 1", "'auc'"});
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

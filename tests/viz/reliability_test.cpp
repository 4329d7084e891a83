#include "catch.hpp"
#include "expect_error.hpp"
#include "viz_support.hpp"

#include <mgca/viz/reliability.hpp>

using namespace mgca;
using test::count_of;
using test::expect_error;
using test::malformed;

namespace {

// The values of an attribute in all elements of a kind, in order.
std::vector<double> attributes(const std::string& svg, const std::string& element, const std::string& name) {
  std::vector<double> out;
  for (auto at = svg.find("<" + element + " "); at != std::string::npos; at = svg.find("<" + element + " ", at + 1)) {
    const auto value = svg.find(" " + name + "=\"", at);
    out.push_back(std::stod(svg.substr(value + name.size() + 3)));
  }
  return out;
}

}  // namespace

TEST_CASE("reliability_chart: bars, points and counts stand where the calibration says", "[viz][fast]") {
  // Two bins of three are used: 4 samples at 0.1 of which 1 is positive, 8 at 0.9 of which 6 are.
  std::vector<float> probabilities(4, 0.1F);
  probabilities.resize(12, 0.9F);
  const std::vector<std::uint8_t> labels{1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0};
  const auto found = metrics::calibration(probabilities, labels, 3);
  const auto svg = viz::reliability_chart(found, {.title = "Edema", .width = 320});
  CHECK(malformed(svg) == "");
  CHECK(svg.find("<title>Edema</title>") != std::string::npos);
  const auto x = attributes(svg, "circle", "cx"), y = attributes(svg, "circle", "cy");
  const auto left = attributes(svg, "rect", "x"), width = attributes(svg, "rect", "width"), top = attributes(svg, "rect", "y"), height = attributes(svg, "rect", "height");
  REQUIRE(x.size() == 2);
  REQUIRE(left.size() == 4);  // observed and count of each used bin
  const double side = 3 * (width[0] + 2), zero = top[0] + height[0], start = left[0] - 1;
  CHECK((x[0] - start) / side == Approx(0.1).margin(2e-3));
  CHECK((x[1] - start) / side == Approx(0.9).margin(2e-3));
  CHECK((zero - y[0]) / side == Approx(0.25).margin(2e-3));
  CHECK((zero - y[1]) / side == Approx(0.75).margin(2e-3));
  CHECK(height[0] / side == Approx(0.25).margin(2e-3));
  CHECK((left[2] - 1 - start) / side == Approx(2.0 / 3).margin(2e-3));
  CHECK(height[3] == Approx(2 * height[1]).margin(0.02));
  CHECK(svg.find(">4<") != std::string::npos);
  CHECK(svg.find(">8<") != std::string::npos);
  CHECK(count_of(svg, "<circle") == 2);
  const auto [low, high] = viz::detail::wilson(0.75, 8);
  CHECK(low == Approx(0.4093).margin(1e-4));  // Wilson's formula by hand
  CHECK(high == Approx(0.9285).margin(1e-4));
}

TEST_CASE("reliability_chart: what is no calibration is refused by bin", "[viz][fast]") {
  const auto draw = [](std::vector<CalibrationBin> bins, double width = 320) { (void)viz::reliability_chart({.bins = std::move(bins)}, {.title = {}, .width = width}); };
  expect_error([&] { draw({}); }, {"no sample in 0 bins"});
  expect_error([&] { draw({{.low = 0, .high = 1}}); }, {"no sample in 1 bins"});
  expect_error([&] { draw({{.low = 0, .high = 0.6, .count = 1, .mean_probability = 0.1, .observed = 0.0}, {.low = 0.5, .high = 1}}); }, {"bin 1", "0.5 to 1", "in order"});
  expect_error([&] { draw({{.low = 0, .high = 1, .count = 3, .mean_probability = 0.5, .observed = {}}}); }, {"bin 0 with 3 samples"});
  expect_error([&] { draw({{.low = 0, .high = 1, .count = 3, .mean_probability = 0.5, .observed = 1.5}}); }, {"bin 0 with 3 samples"});
  expect_error([&] { draw({{.low = 0, .high = 1, .count = 3, .mean_probability = 0.5, .observed = 0.5}}, 100); }, {"200 pixels"});
}

#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/enum.hpp>
#include <mgca/viz/heatmap.hpp>

#include <limits>
#include <vector>

using namespace mgca;
using test::expect_error;

TEST_CASE("upsample: corners coincide, the middle is the mean", "[viz][fast]") {
  const std::vector<float> grid{0, 1, 2, 3};
  const auto up = viz::upsample({.pixels = grid, .height = 2, .width = 2}, {.height = 3, .width = 5});
  const std::vector<float> expected{0, 0.25F, 0.5F, 0.75F, 1, 1, 1.25F, 1.5F, 1.75F, 2, 2, 2.25F, 2.5F, 2.75F, 3};
  REQUIRE(up.pixels().size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(up.pixels()[i] == Approx(expected[i]).margin(1e-6));
  const auto one =
      viz::upsample({.pixels = std::span(grid).first(1), .height = 1, .width = 1}, {.height = 4, .width = 4});
  for (const float value : one.pixels()) CHECK(value == 0.0F);
}

TEST_CASE("heatmap: blends colour and radiograph in the stated parts", "[viz][fast]") {
  const std::vector<float> grid{2, 4};  // 0 and 1 under min_max, 0.5 and 1 under by_max
  const std::vector<std::uint8_t> grey{100, 200};
  const Plane<const float> cells{.pixels = grid, .height = 1, .width = 2};
  const Plane<const std::uint8_t> backdrop{.pixels = grey, .height = 1, .width = 2};
  const auto plain = viz::heatmap(cells, backdrop, {.colormap = Colormap::jet, .heat = 0.3, .image = 0.6});
  const std::vector<int> expected{60,  60,  98,
                                  158, 120, 120};  // 0.3 * {0,0,128} + 0.6 * 100; 0.3 * {128,0,0} + 0.6 * 200
  for (std::size_t i = 0; i < 6; ++i) CHECK(int{plain.picture.pixels()[i]} == expected[i]);
  CHECK(plain.formula == "colour = (a − min a) / (max a − min a)");
  CHECK(plain.low == 2.0);
  CHECK(plain.high == 4.0);
  const auto published = viz::heatmap(cells, backdrop,
                                      {.colormap = Colormap::jet,
                                       .scale = MapScale::by_max,
                                       .direction = MapDirection::one_minus,
                                       .heat = 0.3,
                                       .image = 0.6});
  CHECK(published.formula == "colour = 1 − a / max a");
  CHECK(int{published.picture.at(0, 1, 2)} == 158);  // full attention is blue there
  const auto by_value = viz::heatmap(cells, backdrop, {.blend = Blend::by_value, .heat = 1, .image = 0});
  CHECK(int{by_value.picture.at(0, 0, 0)} == 100);
  CHECK(int{by_value.picture.at(0, 1, 0)} == 253);
}

TEST_CASE("heatmap: equal weights are drawn as none and said to be equal", "[viz][fast]") {
  const std::vector<float> grid(4, 0.25F);
  const std::vector<std::uint8_t> grey(64, 0);
  const auto map = viz::heatmap({.pixels = grid, .height = 2, .width = 2}, {.pixels = grey, .height = 8, .width = 8},
                                {.heat = 1, .image = 0});
  CHECK(map.formula.find("all weights equal") != std::string::npos);
  CHECK(int{map.picture.at(3, 3, 0)} == 68);
}

TEST_CASE("heatmap: weights without meaning are refused", "[viz][fast]") {
  const std::vector<std::uint8_t> grey(4, 0);
  const Plane<const std::uint8_t> backdrop{.pixels = grey, .height = 2, .width = 2};
  const auto draw = [&](std::vector<float> grid, HeatmapOptions options) {
    (void)viz::heatmap({.pixels = grid, .height = 1, .width = static_cast<std::int64_t>(grid.size())}, backdrop,
                       options);
  };
  expect_error([&] { draw({0, std::numeric_limits<float>::quiet_NaN()}, {}); }, {"not finite"});
  expect_error([&] { draw({-1, 1}, {.scale = MapScale::by_max}); }, {"by_max", "-1"});
  expect_error([&] { draw({0, 2}, {.scale = MapScale::raw}); }, {"raw", "2"});
  expect_error([&] { draw({}, {}); }, {"empty"});
  expect_error([&] { draw({0, 1}, {.heat = 0.9, .image = 0.9}); }, {"0.9"});
}

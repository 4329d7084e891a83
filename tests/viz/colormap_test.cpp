#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/enum.hpp>
#include <mgca/viz/colormap.hpp>

#include <cmath>
#include <limits>

using namespace mgca;
using test::expect_error;

TEST_CASE("colormap: published colours at the key points, jet by its formula", "[viz][fast]") {
  CHECK(viz::color_of(Colormap::viridis, 0) == Rgb{68, 1, 84});
  CHECK(viz::color_of(Colormap::viridis, 0.5) == Rgb{33, 144, 140});
  CHECK(viz::color_of(Colormap::viridis, 1) == Rgb{253, 231, 37});
  CHECK(viz::color_of(Colormap::jet, 0) == Rgb{0, 0, 128});
  CHECK(viz::color_of(Colormap::jet, 0.5) == Rgb{128, 255, 128});
  CHECK(viz::color_of(Colormap::jet, 1) == Rgb{128, 0, 0});
  CHECK(viz::color_of(Colormap::grey, 0.2) == Rgb{51, 51, 51});
  CHECK(viz::css_gradient(Colormap::grey).starts_with("linear-gradient(90deg,#000000,"));
}

TEST_CASE("colormap: viridis rises in lightness without a step back", "[viz][fast]") {
  double before = -1;
  for (const auto c : viz::color_table(Colormap::viridis)) {
    const double lightness = 0.2126 * c.r + 0.7152 * c.g + 0.0722 * c.b;
    CHECK(lightness > before - 0.8);  // rounding to whole levels
    before = lightness;
  }
}

TEST_CASE("colormap: values outside [0, 1] and NaN are refused", "[viz][fast]") {
  expect_error([] { (void)viz::color_of(Colormap::jet, 1.01); }, {"1.01", "normalise"});
  expect_error([] { (void)viz::color_of(Colormap::viridis, std::nan("")); }, {"nan"});
}

TEST_CASE("colormap: the table of 256 colours is the map, grey is its own level", "[viz][fast]") {
  for (const auto map : {Colormap::viridis, Colormap::jet, Colormap::grey}) {
    const auto table = viz::color_table(map);
    for (std::size_t i = 0; i < 256; ++i) CHECK(table[i] == viz::color_of(map, static_cast<double>(i) / 255.0));
  }
  for (std::size_t i = 0; i < 256; ++i) {
    const auto level = static_cast<std::uint8_t>(i);
    CHECK(viz::color_table(Colormap::grey)[i] == Rgb{level, level, level});
  }
}

TEST_CASE("colormap: series colours differ and repeat after eight", "[viz][fast]") {
  for (std::size_t i = 0; i < 8; ++i) {
    for (std::size_t j = 0; j < i; ++j) CHECK_FALSE(viz::series_color(i) == viz::series_color(j));
    CHECK(viz::series_color(i) == viz::series_color(i + 8));
  }
  CHECK(viz::css_gradient(Colormap::grey).starts_with("linear-gradient(90deg,#000000,"));
  CHECK(viz::css_gradient(Colormap::grey).ends_with(",#ffffff)"));
}

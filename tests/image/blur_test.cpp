#include "catch.hpp"
#include "expect_error.hpp"
#include "pictures.hpp"

#include <mgca/image/blur.hpp>
#include <mgca/image/geometry.hpp>

#include <cmath>

using mgca::GreyImage;
using mgca::image::gaussian_blur;
using mgca::test::different;
using mgca::test::noise;

TEST_CASE("blur: every sigma equals Pillow's pixels", "[image][golden][fast]") {
  const mgca::test::GoldenPictures golden("augment");
  const auto picture = golden.input<std::uint8_t>("image");
  const auto& sigmas = golden.config("blur_sigma");
  for (std::size_t i = 0; i < sigmas.size(); ++i) {
    INFO("sigma " << sigmas[i]);
    CHECK(different(gaussian_blur(picture.plane(), sigmas[i]), golden.output<std::uint8_t>("blur." + std::to_string(i))) == 0);
  }
}

TEST_CASE("blur: a point becomes a bell of the asked width", "[image][fast]") {
  GreyImage point({.height = 41, .width = 41});
  for (std::int64_t y = 18; y < 23; ++y) {
    for (std::int64_t x = 18; x < 23; ++x) point.at(y, x) = 255;
  }
  const auto blurred = gaussian_blur(point.plane(), 3);
  double sum = 0, spread = 0;
  for (std::int64_t y = 0; y < 41; ++y) {
    for (std::int64_t x = 0; x < 41; ++x) {
      const double value = blurred.at(y, x), away = static_cast<double>(x - 20);
      sum += value, spread += value * away * away;
      REQUIRE(blurred.at(y, x) == blurred.at(40 - y, 40 - x));
      REQUIRE(std::abs(blurred.at(y, x) - blurred.at(x, y)) <= 1);  // each direction rounds by itself
    }
  }
  CHECK(std::sqrt(spread / sum) == Approx(std::sqrt(9.0 + 2.0)).epsilon(0.05));  // the block's own spread is 2
  CHECK(sum == Approx(25 * 255).epsilon(0.05));
}

TEST_CASE("blur: windows wider than the picture are read, flat stays flat, 0 changes nothing, mirrors commute", "[image][fast]") {
  const auto picture = noise({.height = 3, .width = 5}, 4);
  CHECK(different(gaussian_blur(picture.plane(), 0), picture) == 0);
  const auto wide = gaussian_blur(picture.plane(), 20);
  const auto [low, high] = std::minmax_element(wide.pixels().begin(), wide.pixels().end());
  CHECK(*high - *low < 60);
  const GreyImage flat({.height = 9, .width = 1}, 77);
  CHECK(different(gaussian_blur(flat.plane(), 2.5), flat) == 0);
  const auto mirrored = mgca::image::flip_horizontal(gaussian_blur(picture.plane(), 1.3).plane());
  CHECK(different(mirrored, gaussian_blur(mgca::image::flip_horizontal(picture.plane()).plane(), 1.3)) == 0);
}

TEST_CASE("blur: a sigma that makes no sense is refused", "[image][fast]") {
  const auto picture = noise({.height = 3, .width = 5}, 4);
  mgca::test::expect_error([&] { (void)gaussian_blur(picture.plane(), -1); }, {"sigma", "-1"});
  mgca::test::expect_error([&] { (void)gaussian_blur(picture.plane(), std::nan("")); }, {"sigma", "nan"});
}

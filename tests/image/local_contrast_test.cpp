#include <mgca/core/random.hpp>
#include <mgca/image/local_contrast.hpp>

#include <catch.hpp>
#include <expect_error.hpp>

#include <algorithm>
#include <cmath>

using namespace mgca;
using mgca::test::expect_error;

namespace {

GreyImage speckles(ImageSize size, std::uint64_t seed) {
  GreyImage picture(size);
  RandomStream random({.seed = seed}, Use::test);
  for (auto& pixel : picture.pixels()) pixel = static_cast<std::uint8_t>(random.below(256));
  return picture;
}

// The definition, window by window.
std::uint8_t expected(const GreyImage& in, std::int64_t y, std::int64_t x, const LocalContrast& how) {
  double sum = 0, squares = 0, count = 0;
  for (auto v = std::max<std::int64_t>(0, y - how.radius); v <= std::min(in.height() - 1, y + how.radius); ++v) {
    for (auto u = std::max<std::int64_t>(0, x - how.radius); u <= std::min(in.width() - 1, x + how.radius); ++u) {
      sum += in.at(v, u), squares += static_cast<double>(in.at(v, u)) * in.at(v, u), count += 1;
    }
  }
  const double mean = sum / count, deviation = std::sqrt(std::max(0.0, squares / count - mean * mean));
  return static_cast<std::uint8_t>(std::clamp(std::nearbyint(127.5 + how.gain * (in.at(y, x) - mean) / (deviation + how.floor)), 0.0, 255.0));
}

}  // namespace

TEST_CASE("local_contrast: equals its definition at every pixel, borders and windows larger than the picture included", "[image][fast]") {
  for (const auto& size : {ImageSize{.height = 17, .width = 23}, ImageSize{.height = 1, .width = 9}, ImageSize{.height = 4, .width = 1}}) {
    const auto picture = speckles(size, 3);
    for (const std::int64_t radius : {1, 3, 40}) {
      const LocalContrast how{.radius = radius};
      const auto out = image::local_contrast(picture.plane(), how);
      for (std::int64_t y = 0; y < size.height; ++y) {
        for (std::int64_t x = 0; x < size.width; ++x) REQUIRE(int{out.at(y, x)} == int{expected(picture, y, x, how)});
      }
    }
  }
}

TEST_CASE("local_contrast: brightness added to a picture changes nothing; a flat picture becomes middle grey", "[image][fast]") {
  auto dark = speckles({.height = 12, .width = 12}, 5);
  for (auto& pixel : dark.pixels()) pixel = static_cast<std::uint8_t>(pixel / 4);
  auto bright = dark;
  for (auto& pixel : bright.pixels()) pixel = static_cast<std::uint8_t>(pixel + 90);
  const auto a = image::local_contrast(dark.plane(), {.radius = 2}), b = image::local_contrast(bright.plane(), {.radius = 2});
  CHECK(std::equal(a.pixels().begin(), a.pixels().end(), b.pixels().begin()));

  const GreyImage flat({.height = 5, .width = 6}, 200);
  const auto grey = image::local_contrast(flat.plane(), {.radius = 3});
  CHECK(std::all_of(grey.pixels().begin(), grey.pixels().end(), [](std::uint8_t pixel) { return pixel == 128; }));
}

TEST_CASE("local_contrast: radius 0 gives the picture back; nonsense is refused with its value", "[image][fast]") {
  const auto picture = speckles({.height = 6, .width = 7}, 8);
  const auto same = image::local_contrast(picture.plane(), {});
  CHECK(std::equal(same.pixels().begin(), same.pixels().end(), picture.pixels().begin()));
  expect_error([&] { (void)image::local_contrast(picture.plane(), {.radius = -1}); }, {"radius must be 0 or more, got -1"});
  expect_error([&] { (void)image::local_contrast(picture.plane(), {.radius = 1, .floor = 0}); }, {"got 0 and 50"});
  const GreyImage colour({.height = 2, .width = 2, .channels = 3});
  expect_error([&] { (void)image::local_contrast(colour.plane(), {.radius = 1}); }, {"expected one channel, got 3"});
}

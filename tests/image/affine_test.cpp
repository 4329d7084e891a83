#include "catch.hpp"
#include "expect_error.hpp"
#include "pictures.hpp"

#include <mgca/image/affine.hpp>

using mgca::Box;
using mgca::GreyImage;
using mgca::image::Affine;
using mgca::image::affine_of;
using mgca::test::different;
using mgca::test::GoldenPictures;
using mgca::test::noise;

TEST_CASE("affine: turned and scaled pictures and masks equal OpenCV's", "[image][golden][fast]") {
  const GoldenPictures golden("images");
  const auto picture = golden.input<std::uint8_t>("warp.image");
  const auto mask = golden.input<float>("warp.mask");
  const auto list = golden.config("warp");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto number = std::to_string(i);
    INFO("warp " << number);
    const mgca::image::Similarity similarity{.angle = list[i][0], .scale = list[i][1]};
    for (const auto& [name, size] : {std::pair{std::string("image"), picture.size()}, std::pair{std::string("mask"), mask.size()}}) {
      const auto m = affine_of(similarity, size);
      const auto expected = golden.numbers<double>("warp." + name + "_matrix." + number);
      const std::array<double, 6> actual{m.xx, m.xy, m.x0, m.yx, m.yy, m.y0};
      for (std::size_t k = 0; k < 6; ++k) CHECK(actual[k] == Approx(expected[k]).margin(1e-12));
    }
    CHECK(different(mgca::image::warp(picture.plane(), affine_of(similarity, picture.size())),
                    golden.output<std::uint8_t>("warp.image." + number)) == 0);
    CHECK(different(mgca::image::warp_nearest(mask.plane(), affine_of(similarity, mask.size())),
                    golden.output<float>("warp.mask." + number)) == 0);
  }
}

TEST_CASE("affine: quarter turns and whole shifts move pixels without mixing them", "[image][fast]") {
  const auto picture = noise({.height = 20, .width = 20}, 1);
  const auto shifted = mgca::image::warp(picture.plane(), {.x0 = 3, .y0 = -2});
  const auto turned = mgca::image::warp(picture.plane(), {.xx = 0, .xy = 1, .x0 = 0, .yx = -1, .yy = 0, .y0 = 19});  // counter-clockwise
  for (std::int64_t y = 0; y < 20; ++y) {
    for (std::int64_t x = 0; x < 20; ++x) {
      REQUIRE(shifted.at(y, x) == (x >= 3 && y + 2 < 20 ? picture.at(y + 2, x - 3) : 0));
      REQUIRE(turned.at(y, x) == picture.at(x, 19 - y));
    }
  }
  CHECK(different(mgca::image::warp(picture.plane(), {}), picture) == 0);
}

TEST_CASE("affine: there and back again is where a point was, and one draw fits every resolution", "[image][fast]") {
  const auto large = affine_of({.angle = 8, .scale = 1.1, .shift_x = 0.1}, {.height = 1024, .width = 512});
  const auto small = affine_of({.angle = 8, .scale = 1.1, .shift_x = 0.1}, {.height = 256, .width = 128});
  CHECK(large.x0 == Approx(4 * small.x0));
  CHECK(large.y0 == Approx(4 * small.y0));
  const auto back = mgca::image::inverted(large);
  const double x = 100, y = 37, to_x = large.xx * x + large.xy * y + large.x0, to_y = large.yx * x + large.yy * y + large.y0;
  CHECK(back.xx * to_x + back.xy * to_y + back.x0 == Approx(x));
  CHECK(back.yx * to_x + back.yy * to_y + back.y0 == Approx(y));
}

TEST_CASE("affine: a box goes where the mask of its pixels goes", "[image][fast]") {
  const Box box{.x1 = 20, .y1 = 30, .x2 = 50, .y2 = 44};
  mgca::Image<std::uint8_t> mask({.height = 80, .width = 90});
  for (std::int64_t y = 30; y < 44; ++y) {
    for (std::int64_t x = 20; x < 50; ++x) mask.at(y, x) = 1;
  }
  for (const double angle : {0.0, 17.0, -64.0, 180.0}) {
    for (const double shift : {0.0, 0.3}) {
      const auto m = affine_of({.angle = angle, .scale = 1.2, .shift_x = shift}, mask.size());
      const auto moved = mgca::image::warp(box, m, mask.size());
      const auto pixels = mgca::test::extent(mgca::image::warp_nearest(std::as_const(mask).plane(), m));
      INFO(angle << " degrees, shifted by " << shift);
      CHECK(std::abs(moved.x1 - pixels.x1) <= 1.5);
      CHECK(std::abs(moved.y1 - pixels.y1) <= 1.5);
      CHECK(std::abs(moved.x2 - pixels.x2) <= 1.5);
      CHECK(std::abs(moved.y2 - pixels.y2) <= 1.5);
    }
  }
  CHECK(mgca::image::warp(box, Affine{.x0 = 500}, mask.size()).area() == 0);
}

TEST_CASE("affine: a transform without an inverse and colour are refused", "[image][fast]") {
  const auto picture = noise({.height = 4, .width = 4}, 1);
  mgca::test::expect_error([&] { (void)mgca::image::warp(picture.plane(), {.xx = 0}); }, {"inverse", "0"});
  const mgca::Image<std::uint8_t> colour({.height = 2, .width = 2, .channels = 3});
  mgca::test::expect_error([&] { (void)mgca::image::warp(colour.plane(), {}); }, {"one channel", "3"});
  mgca::test::expect_error([&] { (void)mgca::image::warp_nearest(colour.plane(), {}); }, {"one channel", "3"});
}

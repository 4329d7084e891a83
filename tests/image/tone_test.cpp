#include "catch.hpp"
#include "expect_error.hpp"
#include "pictures.hpp"

#include <mgca/image/tone.hpp>

using mgca::GreyImage;
using mgca::image::adjust_brightness;
using mgca::image::adjust_contrast;
using mgca::test::different;

TEST_CASE("tone: brightness and contrast equal Pillow's pixels", "[image][golden][fast]") {
  const mgca::test::GoldenPictures golden("augment");
  const auto picture = golden.input<std::uint8_t>("image");
  const auto& brightness = golden.config("brightness");
  const auto& contrast = golden.config("contrast");
  for (std::size_t i = 0; i < brightness.size(); ++i) {
    auto seen = picture;
    adjust_brightness(seen.plane(), brightness[i]);
    CHECK(different(seen, golden.output<std::uint8_t>("brightness." + std::to_string(i))) == 0);
  }
  for (std::size_t i = 0; i < contrast.size(); ++i) {
    auto seen = picture;
    adjust_contrast(seen.plane(), contrast[i]);
    CHECK(different(seen, golden.output<std::uint8_t>("contrast." + std::to_string(i))) == 0);
  }
}

TEST_CASE("tone: 1 changes nothing, 0 takes everything, contrast turns about the rounded mean", "[image][fast]") {
  GreyImage two({.height = 1, .width = 2});
  two.at(0, 1) = 201;  // mean 100.5, rounded up to 101
  auto seen = two;
  adjust_contrast(seen.plane(), 0);
  CHECK((seen.at(0, 0) == 101 && seen.at(0, 1) == 101));
  seen = two;
  adjust_contrast(seen.plane(), 1);
  adjust_brightness(seen.plane(), 1);
  CHECK(different(seen, two) == 0);
  adjust_brightness(seen.plane(), 1.4);
  CHECK((seen.at(0, 0) == 0 && seen.at(0, 1) == 255));
  adjust_brightness(seen.plane(), 0);
  CHECK((seen.at(0, 0) == 0 && seen.at(0, 1) == 0));
  mgca::test::expect_error([&] { adjust_brightness(seen.plane(), -0.1); }, {"adjust_brightness", "-0.1"});
  mgca::test::expect_error([&] { adjust_contrast(seen.plane(), std::nan("")); }, {"adjust_contrast", "nan"});
}

#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/image/geometry.hpp>

#include <utility>
#include <vector>

using mgca::GreyImage;

namespace {

GreyImage counting(int64_t height, int64_t width) {
  GreyImage image({.height = height, .width = width});
  for (std::size_t i = 0; i < image.pixels().size(); ++i) image.pixels()[i] = static_cast<uint8_t>(i + 1);
  return image;
}
std::vector<int> values(const GreyImage& image) { return {image.pixels().begin(), image.pixels().end()}; }

}  // namespace

TEST_CASE("pad_to_square: the odd row and column go to the bottom and right", "[image][fast]") {
  CHECK(values(mgca::image::pad_to_square(counting(2, 1).plane(), 3)) == std::vector<int>{0, 1, 0, 0, 2, 0, 0, 0, 0});
  CHECK(values(mgca::image::pad_to_square(counting(2, 2).plane(), 2)) == std::vector<int>{1, 2, 3, 4});
}

TEST_CASE("square_padding: sides and padding make up the square", "[image][fast]") {
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{7, 4}, {1, 7}, {7, 7}}) {
    const auto zeros = mgca::image::square_padding({.height = height, .width = width}, 7);
    CHECK(zeros.top + height + zeros.bottom == 7);
    CHECK(zeros.left + width + zeros.right == 7);
    CHECK((zeros.bottom - zeros.top == (7 - height) % 2 && zeros.right - zeros.left == (7 - width) % 2));
  }
}

TEST_CASE("fit_to_square: the longer side fills the square, the rest is zero", "[image][fast]") {
  const GreyImage tall({.height = 40, .width = 20}, 200);
  const auto square = mgca::image::fit_to_square(tall.plane(), 16);
  REQUIRE(square.size() == mgca::ImageSize{.height = 16, .width = 16, .channels = 1});
  for (int64_t y = 0; y < 16; ++y) {
    for (int64_t x = 0; x < 16; ++x) REQUIRE(square.at(y, x) == (x >= 4 && x < 12 ? 200 : 0));
  }
}

TEST_CASE("crop: takes exactly its window, and the pieces of a picture make it up again", "[image][fast]") {
  const auto image = counting(4, 5);
  CHECK(values(mgca::image::crop(image.plane(), {.top = 1, .left = 2, .height = 2, .width = 3})) == std::vector<int>{8, 9, 10, 13, 14, 15});
  std::vector<int> joined;
  for (int64_t y = 0; y < 4; ++y) {
    const auto line = values(mgca::image::crop(image.plane(), {.top = y, .left = 0, .height = 1, .width = 5}));
    joined.insert(joined.end(), line.begin(), line.end());
  }
  CHECK(joined == values(image));
}

TEST_CASE("flip_horizontal: mirrors rows, twice changes nothing", "[image][fast]") {
  const auto image = counting(2, 3);
  const auto mirrored = mgca::image::flip_horizontal(image.plane());
  CHECK(values(mirrored) == std::vector<int>{3, 2, 1, 6, 5, 4});
  CHECK(values(mgca::image::flip_horizontal(mirrored.plane())) == values(image));
}

TEST_CASE("geometry: windows that leave the picture, squares too small and colour are refused", "[image][fast]") {
  using mgca::test::expect_error;
  const auto image = counting(4, 4);
  const mgca::Image<uint8_t> colour({.height = 4, .width = 4, .channels = 3});
  expect_error([&] { (void)mgca::image::crop(image.plane(), {.top = 2, .left = 0, .height = 4, .width = 4}); }, {"4 x 4", "(2, 0)"});
  expect_error([&] { (void)mgca::image::crop(image.plane(), {.top = -1, .left = 0, .height = 2, .width = 2}); }, {"(-1, 0)"});
  expect_error([&] { (void)mgca::image::crop(image.plane(), {.top = 1, .left = 1, .height = INT64_MAX, .width = 1}); }, {"leaves the image"});
  expect_error([&] { (void)mgca::image::crop(colour.plane(), {.height = 2, .width = 2}); }, {"channel"});
  expect_error([&] { (void)mgca::image::flip_horizontal(colour.plane()); }, {"channel"});
  expect_error([&] { (void)mgca::image::pad_to_square(image.plane(), 3); }, {"do not fit 3"});
}

TEST_CASE("fitted_box: a box stays on what it marks when the picture is fitted into a square", "[image][fast]") {
  GreyImage wide({.height = 40, .width = 80});
  for (int64_t y = 20; y < 30; ++y) {
    for (int64_t x = 60; x < 70; ++x) wide.at(y, x) = 200;
  }
  const auto square = mgca::image::fit_to_square(wide.plane(), 40);
  const auto box = mgca::image::fitted_box({60, 20, 70, 30}, wide.size(), 40);
  CHECK((box == mgca::Box{30, 20, 35, 25}));
  for (int64_t y = 0; y < 40; ++y) {
    for (int64_t x = 0; x < 40; ++x) CHECK((square.at(y, x) == 200) == (y >= 20 && y < 25 && x >= 30 && x < 35));
  }
  CHECK((mgca::image::fitted_box({0, 0, 80, 40}, wide.size(), 40) == mgca::Box{0, 10, 40, 30}));
}

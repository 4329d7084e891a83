#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/plane.hpp>

TEST_CASE("plane: pixels are row-major with interleaved channels", "[core][fast]") {
  mgca::Image<int> image({.height = 2, .width = 3, .channels = 2});
  image.at(1, 2, 1) = 7;
  CHECK(image.pixels()[11] == 7);
  const mgca::Plane<const int> view = image.plane();
  CHECK(view.row(1)[5] == 7);
  CHECK(&view.at(1, 2, 1) == &image.at(1, 2, 1));  // a plane looks, it does not copy
}

TEST_CASE("plane: an image begins with its value everywhere, and an empty one has no pixels", "[core][fast]") {
  const mgca::GreyImage flat({.height = 4, .width = 5}, 9);
  CHECK(flat.pixels().size() == 20);
  CHECK(std::all_of(flat.pixels().begin(), flat.pixels().end(), [](std::uint8_t v) { return v == 9; }));
  CHECK(mgca::GreyImage().empty());
  CHECK(flat.size() == mgca::ImageSize{.height = 4, .width = 5, .channels = 1});
}

TEST_CASE("plane: sides of zero, below zero and beyond memory are refused with their values", "[core][fast]") {
  using mgca::test::expect_error;
  expect_error([] { mgca::GreyImage({.height = 0, .width = 3}); }, {"0 x 3"});
  expect_error([] { mgca::GreyImage({.height = 3, .width = -1}); }, {"3 x -1"});
  expect_error([] { mgca::GreyImage({.height = 3, .width = 1, .channels = 0}); }, {"3 x 1 x 0"});
  constexpr std::int64_t huge = std::int64_t{1} << 33;
  expect_error([] { mgca::GreyImage({.height = huge, .width = huge, .channels = 1}); }, {"8589934592 x 8589934592", "memory"});
}

#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/image/polygon.hpp>

#include <string>

using mgca::image::Point;
using mgca::test::expect_error;
namespace image = mgca::image;

TEST_CASE("polygon: its pixels are those whose centres shapely finds inside", "[image][fast]") {
  const std::vector<Point> points{{2.3, 1.1}, {17.6, 3.3}, {12.4, 18.9}, {9.4, 8.3}, {1.2, 14.7}};
  const auto picture = image::painted(image::mask_of_polygon(points, {.height = 20, .width = 20}));
  const std::vector<std::string> expected{
      "....................",
      "..###...............",
      "..##########........",
      "..################..",
      "..###############...",
      "..###############...",
      "..###############...",
      "..##############....",
      "..##############....",
      "..######..######....",
      "..#####...#####.....",
      ".####.....#####.....",
      ".###.......####.....",
      ".##........###......",
      "...........###......",
      "...........###......",
      "............#.......",
      "............#.......",
      "............#.......",
      "....................",
  };
  for (std::size_t y = 0; y < expected.size(); ++y) {
    std::string row;
    for (int64_t x = 0; x < 20; ++x) row += picture.at(static_cast<int64_t>(y), x) != 0 ? '#' : '.';
    CHECK(row == expected[y]);
  }
}

TEST_CASE("polygon: a rectangle is its box, whichever corner comes first and whether or not it is closed", "[image][fast]") {
  const mgca::ImageSize size{.height = 9, .width = 12};
  const auto box = image::mask_of_boxes(std::vector{mgca::Box{2, 1, 7, 9}}, size);
  CHECK(image::mask_of_polygon(std::vector<Point>{{2, 1}, {7, 1}, {7, 9}, {2, 9}}, size) == box);
  CHECK(image::mask_of_polygon(std::vector<Point>{{7, 9}, {7, 1}, {2, 1}, {2, 9}, {7, 9}}, size) == box);
}

TEST_CASE("polygon: what is enclosed twice is outside", "[image][fast]") {
  const std::vector<Point> twice{{1, 1}, {8, 1}, {8, 8}, {1, 8}, {1, 1}, {3, 3}, {6, 3}, {6, 6}, {3, 6}, {3, 3}};
  CHECK(image::area(image::mask_of_polygon(twice, {.height = 10, .width = 10})) == 49 - 9);
}

TEST_CASE("polygon: bounds hold every point", "[image][fast]") {
  CHECK(image::bounds_of(std::vector<Point>{{5, 9}, {-1, 4}, {3, 2}}) == mgca::Box{-1, 2, 5, 9});
  expect_error([] { (void)image::bounds_of({}); }, {"at least one point"});
}

TEST_CASE("polygon: too few or too many points and points outside the image are refused", "[image][fast]") {
  const mgca::ImageSize size{.height = 10, .width = 10};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  expect_error([&] { (void)image::mask_of_polygon(std::vector<Point>{{1, 1}, {2, 2}}, size); }, {"3 to 10,000", "got 2"});
  expect_error([&] { (void)image::mask_of_polygon(std::vector<Point>(10'001), size); }, {"got 10001"});
  expect_error([&] { (void)image::mask_of_polygon(std::vector<Point>{{1, 1}, {2, 11}, {4, 4}}, size); }, {"2 11", "10 x 10"});
  expect_error([&] { (void)image::mask_of_polygon(std::vector<Point>{{1, 1}, {2, nan}, {4, 4}}, size); }, {"10 x 10"});
}

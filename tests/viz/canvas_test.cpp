#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/viz/canvas.hpp>

#include <cmath>
#include <string>

using namespace mgca;
using test::expect_error;

namespace {

Image<std::uint8_t> black(std::int64_t height, std::int64_t width) {
  return Image<std::uint8_t>({.height = height, .width = width, .channels = 3});
}

// A line per row, '#' where something was drawn.
std::string drawn(const Image<std::uint8_t>& picture) {
  std::string text;
  for (std::int64_t y = 0; y < picture.height(); ++y) {
    for (std::int64_t x = 0; x < picture.width(); ++x) text += picture.at(y, x, 0) != 0 ? '#' : '.';
    text += '\n';
  }
  return text;
}

}  // namespace

TEST_CASE("draw_box: the frame lies inside the box and stops at the picture's edge", "[viz][fast]") {
  auto picture = black(5, 7);
  viz::draw_box(picture.plane(), {1, 1, 6, 4}, {.thickness = 1});
  CHECK(drawn(picture) == ".......\n.#####.\n.#...#.\n.#####.\n.......\n");
  auto cut = black(3, 4);
  viz::draw_box(cut.plane(), {-5, 1, 2, 90}, {.thickness = 1});
  CHECK(drawn(cut) == "....\n##..\n.#..\n");
  auto outside = black(3, 4);
  viz::draw_box(outside.plane(), {50, 50, 1e12, 1e12});
  CHECK(drawn(outside) == "....\n....\n....\n");
}

TEST_CASE("draw_contour: the inner edge of a mask, picture borders included", "[viz][fast]") {
  auto picture = black(5, 5);
  Image<std::uint8_t> mask({.height = 5, .width = 5});
  for (std::int64_t y = 1; y < 5; ++y) {
    for (std::int64_t x = 1; x < 4; ++x) mask.at(y, x) = 1;
  }
  viz::draw_contour(picture.plane(), mask.plane(), {.thickness = 1});
  CHECK(drawn(picture) == ".....\n.###.\n.#.#.\n.#.#.\n.###.\n");
}

TEST_CASE("draw_text: a seven is a seven, letters differ, unknown characters are frames", "[viz][fast]") {
  auto picture = black(7, 5);
  viz::draw_text(picture.plane(), "7", {.shadow = false});
  CHECK(drawn(picture) == "#####\n....#\n...#.\n..#..\n.#...\n.#...\n.#...\n");
  std::vector<std::string> seen;
  for (const char c : std::string("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.,:+-%/()=<>_'#?!~")) {
    auto glyph = black(7, 5);
    viz::draw_text(glyph.plane(), std::string(1, c), {.shadow = false});
    const auto form = drawn(glyph);
    INFO(c);
    CHECK(std::find(seen.begin(), seen.end(), form) == seen.end());
    seen.push_back(form);
  }
  auto large = black(20, 40), lower = black(20, 40);
  viz::draw_text(large.plane(), "AB", {.x = 30, .y = -3, .scale = 2});
  viz::draw_text(lower.plane(), "ab", {.x = 30, .y = -3, .scale = 2});
  CHECK(drawn(large) == drawn(lower));
}

TEST_CASE("canvas: grey pictures, broken boxes and masks of another size are refused", "[viz][fast]") {
  GreyImage grey({.height = 4, .width = 4});
  expect_error([&] { viz::draw_box(grey.plane(), {0, 0, 2, 2}); }, {"RGB", "to_rgb"});
  auto picture = viz::to_rgb(grey.plane());
  CHECK(picture.channels() == 3);
  expect_error([&] { viz::draw_box(picture.plane(), {3, 0, 1, 2}); }, {"corners in order", "(3, 0)"});
  expect_error([&] { viz::draw_box(picture.plane(), {std::nan(""), 0, 1, 2}); }, {"corners"});
  expect_error([&] { viz::draw_contour(picture.plane(), GreyImage({.height = 2, .width = 4}).plane()); },
               {"2 x 4", "4 x 4"});
  expect_error([&] { viz::draw_text(picture.plane(), "x", {.scale = 0}); }, {"scale"});
}

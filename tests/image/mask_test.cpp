#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/core/hash.hpp>
#include <mgca/image/mask.hpp>
#include <mgca/io/image_file.hpp>

#include <random>

using mgca::Box;
using mgca::GreyImage;
using mgca::RunLengthMask;
using mgca::test::expect_error;
namespace image = mgca::image;

namespace {

GreyImage random_picture(std::mt19937& random) {
  GreyImage picture({.height = 1 + static_cast<int64_t>(random() % 30), .width = 1 + static_cast<int64_t>(random() % 30)});
  for (auto& p : picture.pixels()) p = static_cast<uint8_t>(random() % 3 == 0 ? 255 : 0);
  return picture;
}

bool same(const GreyImage& a, const GreyImage& b) { return a.size() == b.size() && std::ranges::equal(a.pixels(), b.pixels()); }

}  // namespace

TEST_CASE("mask: runs go down the columns", "[image][fast]") {
  const auto picture = image::painted({.height = 3, .width = 4, .runs = {{1, 4}, {11, 1}}});
  const std::vector<uint8_t> expected{0, 255, 0, 0, 255, 255, 0, 0, 255, 0, 0, 255};
  CHECK(std::ranges::equal(picture.pixels(), expected));
  CHECK(image::painted({.height = 2, .width = 1, .runs = {{1, 1}}}, 7).at(1, 0) == 7);
}

TEST_CASE("mask: pixels to runs and back is the identity", "[image][fast]") {
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) {
    const auto picture = random_picture(random);
    const auto mask = image::mask_of(picture.plane());
    REQUIRE(same(image::painted(mask), picture));
    REQUIRE(image::area(mask) == std::ranges::count(picture.pixels(), 255));
  }
}

TEST_CASE("mask: a union marks what any of its masks marks", "[image][fast]") {
  std::mt19937 random(5);
  for (int i = 0; i < 100; ++i) {
    const auto a = random_picture(random);
    GreyImage b({.height = a.height(), .width = a.width()}), both = a;
    for (auto& p : b.pixels()) p = static_cast<uint8_t>(random() % 2 * 255);
    for (std::size_t k = 0; k < both.pixels().size(); ++k) both.pixels()[k] |= b.pixels()[k];
    REQUIRE(image::united(std::vector{image::mask_of(a.plane()), image::mask_of(b.plane())}) == image::mask_of(both.plane()));
  }
  expect_error([] { (void)image::united({}); }, {"at least one"});
  const std::vector<RunLengthMask> unlike{{.height = 2, .width = 3, .runs = {}}, {.height = 3, .width = 2, .runs = {}}};
  expect_error([&] { (void)image::united(unlike); }, {"3 x 2 with 2 x 3"});
}

TEST_CASE("mask: lungs drawn by people come back, and pycocotools writes the same text", "[image][fast]") {
  struct Drawn {
    const char* name;
    int64_t lung_pixels;
    std::size_t characters;
    const char* hash;  // of pycocotools' counts
  };
  for (const auto& [name, lung_pixels, characters, hash] : {
           Drawn{"k-963837.png", 10359, 337, "488c1e08b7d7a557ff431a4340a7b40b6d483a68d99a9f40feb897a1d8deca1f"},
           Drawn{"a-b343e657.png", 26900, 513, "a383fb01b5d70e628b33b06c0c9eda7e5055d6ad0380edf05d6d315421f47b8d"},
       }) {
    const auto drawn = mgca::io::read_image(std::filesystem::path(MGCA_TESTS_DIR) / "image" / "masks" / name);
    const auto mask = image::mask_of(drawn.plane());
    CHECK(image::area(mask) == lung_pixels);
    CHECK(same(image::painted(mask), drawn));
    const auto text = image::mask_text(mask, image::RunForm::compressed);
    CHECK(text.size() == characters);
    CHECK(mgca::sha256(text) == hash);
    for (const auto form : {image::RunForm::relative, image::RunForm::absolute, image::RunForm::counts, image::RunForm::compressed}) {
      CHECK(image::parse_mask(image::mask_text(mask, form), form, {.height = mask.height, .width = mask.width}) == mask);
    }
  }
}

TEST_CASE("mask: boxes are cut to whole pixels and united", "[image][fast]") {
  const std::vector<Box> boxes{{1.7, 0.9, 3.9, 2.2}, {2.0, 1.0, 5.0, 4.0}, {0.2, 0.2, 0.9, 3.0}};
  const auto mask = image::mask_of_boxes(boxes, {.height = 4, .width = 5});
  const auto picture = image::painted(mask);
  for (int64_t y = 0; y < 4; ++y) {
    for (int64_t x = 0; x < 5; ++x) {
      const bool first = x >= 1 && x < 3 && y < 2, second = x >= 2 && y >= 1;
      CHECK(picture.at(y, x) == (first || second ? 255 : 0));
    }
  }
  CHECK(image::mask_of_boxes({}, {.height = 4, .width = 5}).runs.empty());
  CHECK(image::mask_of_boxes(std::vector{Box{0, 0, 5, 4}}, {.height = 4, .width = 5}).runs == std::vector<RunLengthMask::Run>{{0, 20}});
}

TEST_CASE("mask: boxes that are not inside the image are refused", "[image][fast]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& box : {Box{-1, 0, 3, 3}, Box{0, 0, 6, 3}, Box{0, 0, 3, 1e9}, Box{3, 0, 1, 3}, Box{0, 3, 3, 1}, Box{nan, 0, 3, 3},
                          Box{0, 0, 3, nan}}) {
    expect_error([&] { (void)image::mask_of_boxes(std::vector{box}, {.height = 4, .width = 5}); }, {"mask of boxes", "4 x 5"});
  }
}

#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/image/augment.hpp>

#include <set>
#include <vector>

using mgca::Augmentation;
using mgca::GreyImage;
using mgca::image::augment;

namespace {

GreyImage numbered(int64_t side) {
  GreyImage image({.height = side, .width = side});
  for (std::size_t i = 0; i < image.pixels().size(); ++i) image.pixels()[i] = static_cast<uint8_t>(i * 7);
  return image;
}
std::vector<uint8_t> pixels(const GreyImage& image) { return {image.pixels().begin(), image.pixels().end()}; }

}  // namespace

TEST_CASE("augment: the same address gives the same picture, another epoch another one", "[image][fast]") {
  const auto stored = numbered(40);
  const Augmentation how{.crop = 32, .flip = 0.5, .brightness = 0.2, .contrast = 0.2};
  const auto once = pixels(augment(stored.plane(), how, {.seed = 1, .epoch = 2, .sample = 3}));
  CHECK(once == pixels(augment(stored.plane(), how, {.seed = 1, .epoch = 2, .sample = 3})));
  CHECK(once != pixels(augment(stored.plane(), how, {.seed = 1, .epoch = 3, .sample = 3})));
}

TEST_CASE("augment: crops reach both edges, without chance they stand in the centre", "[image][fast]") {
  GreyImage stored({.height = 5, .width = 5});
  for (std::size_t i = 0; i < 25; ++i) stored.pixels()[i] = static_cast<uint8_t>(i);
  std::set<int> corners;
  for (uint64_t i = 0; i < 200; ++i) corners.insert(augment(stored.plane(), {.crop = 4}, {.sample = i}).at(0, 0));
  CHECK(corners == std::set<int>{0, 1, 5, 6});
  CHECK(augment(numbered(40).plane(), {.crop = 32, .random_crop = false}, {}).at(0, 0) == numbered(40).at(4, 4));
}

TEST_CASE("augment: one step's strength changes no other step's draws", "[image][fast]") {
  const auto stored = numbered(12);
  for (uint64_t i = 0; i < 50; ++i) {
    const auto plain = augment(stored.plane(), {.crop = 8}, {.sample = i});
    const auto mirrored = augment(stored.plane(), {.crop = 8, .flip = 1}, {.sample = i});
    REQUIRE(pixels(mgca::image::flip_horizontal(plain.plane())) == pixels(mirrored));
  }
}

TEST_CASE("augment: brightness scales about black, contrast about the mean, both end at 0 and 255", "[image][fast]") {
  const GreyImage grey({.height = 8, .width = 8}, 100), white({.height = 8, .width = 8}, 255);
  int least = 255, most = 0;
  for (uint64_t i = 0; i < 300; ++i) {
    const int level = augment(grey.plane(), {.crop = 8, .brightness = 0.3}, {.sample = i}).at(0, 0);
    least = std::min(least, level), most = std::max(most, level);
    REQUIRE(augment(grey.plane(), {.crop = 8, .contrast = 0.3}, {.sample = i}).at(0, 0) == 100);  // flat: the mean itself
    REQUIRE(augment(white.plane(), {.crop = 8, .brightness = 0.3}, {.sample = i}).at(0, 0) >= 178);
  }
  CHECK(least >= 70);
  CHECK(least <= 72);
  CHECK(most <= 130);
  CHECK(most >= 128);
}

TEST_CASE("augment: pictures smaller than the crop and settings out of range are refused", "[image][fast]") {
  using mgca::test::expect_error;
  const auto stored = numbered(4);
  expect_error([&] { (void)augment(stored.plane(), {.crop = 8}, {}); }, {"crop of 8", "4 x 4"});
  expect_error([] { Augmentation{.crop = 0}.validate(); }, {"crop", "0"});
  expect_error([] { Augmentation{.flip = 1.5}.validate(); }, {"probability", "1.5"});
  expect_error([] { Augmentation{.brightness = 1}.validate(); }, {"[0, 1)"});
  expect_error([] { Augmentation{.contrast = std::nan("")}.validate(); }, {"contrast", "nan"});
}

TEST_CASE("augment: into a buffer it writes exactly the picture it would return", "[image][fast]") {
  const auto stored = numbered(40);
  const Augmentation how{.crop = 32, .flip = 0.5, .brightness = 0.2, .contrast = 0.2};
  std::vector<uint8_t> buffer(3 * 32 * 32, 7);
  for (uint64_t sample = 0; sample < 8; ++sample) {
    const std::span<uint8_t> middle(buffer.data() + 32 * 32, 32 * 32);
    mgca::image::augment_into({.pixels = middle, .height = 32, .width = 32}, stored.plane(), how, {.seed = 1, .sample = sample});
    CHECK(std::vector<uint8_t>(middle.begin(), middle.end()) == pixels(augment(stored.plane(), how, {.seed = 1, .sample = sample})));
  }
  CHECK(std::count(buffer.begin(), buffer.begin() + 32 * 32, 7) == 32 * 32);
  CHECK(std::count(buffer.end() - 32 * 32, buffer.end(), 7) == 32 * 32);
  mgca::test::expect_error([&] { mgca::image::augment_into({.pixels = buffer, .height = 96, .width = 32}, stored.plane(), how, {}); }, {"32 x 32", "96 x 32"});
}

#include "catch.hpp"
#include "expect_error.hpp"
#include "pictures.hpp"

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

TEST_CASE("augment: pictures smaller than the crop are refused", "[image][fast]") {
  const auto stored = numbered(4);
  mgca::test::expect_error([&] { (void)augment(stored.plane(), {.crop = 8}, {}); }, {"crop of 8", "4 x 4"});
}

TEST_CASE("augment: another view, epoch, seed or sample is another draw, the same one the same picture", "[image][fast]") {
  const auto stored = mgca::test::noise({.height = 48, .width = 48}, 2);
  auto how = mgca::augmentations::moco2_transform();
  how.crop = 32;
  std::set<std::vector<uint8_t>> seen;
  for (const mgca::RandomKey& key : {mgca::RandomKey{}, {.view = 1}, {.epoch = 1}, {.seed = 1}, {.sample = 1}, {.sample = 1, .view = 1}}) {
    const auto once = pixels(augment(stored.plane(), how, key));
    CHECK(once == pixels(augment(stored.plane(), how, key)));
    seen.insert(once);
  }
  CHECK(seen.size() == 6);
}

TEST_CASE("augment: MoCo's steps happen as often as stated, each on its own", "[image][fast]") {
  const auto how = mgca::augmentations::moco2_transform();
  const auto stored = mgca::test::noise({.height = 9, .width = 9}, 3);
  Augmentation none{.crop = 9}, blur = none, jitter = none, flip = none;
  blur.blurred = how.blurred;
  jitter.jittered = how.jittered, jitter.brightness = how.brightness, jitter.contrast = how.contrast, jitter.jitter = how.jitter;
  flip.flip = how.flip;
  Augmentation all = how;
  all.crop = 9;
  int blurred = 0, jittered = 0, flipped = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    const mgca::RandomKey key{.sample = i};
    const auto plain = pixels(augment(stored.plane(), none, key));
    const bool b = pixels(augment(stored.plane(), blur, key)) != plain, j = pixels(augment(stored.plane(), jitter, key)) != plain;
    const bool f = pixels(augment(stored.plane(), flip, key)) != plain;
    blurred += b, jittered += j, flipped += f;
    REQUIRE((pixels(augment(stored.plane(), all, key)) != plain) == (b || j || f));
  }
  CHECK(std::abs(jittered - 800) < 45);
  CHECK(std::abs(flipped - 500) < 55);
  CHECK(std::abs(blurred - 480) < 75);  // the least sigmas change no pixel
}

TEST_CASE("augment: random order is Pillow's brightness and contrast in either order", "[image][fast]") {
  const auto stored = mgca::test::noise({.height = 8, .width = 8}, 5);
  const Augmentation how{.crop = 8, .brightness = 0.4, .contrast = 0.4, .jitter = mgca::Jitter::random_order};
  int first = 0, second = 0;
  for (uint64_t i = 0; i < 200; ++i) {
    const mgca::RandomKey key{.sample = i};
    const double brightness = mgca::RandomStream(key, mgca::Use::brightness).uniform(0.6, 1.4),
                 contrast = mgca::RandomStream(key, mgca::Use::contrast).uniform(0.6, 1.4);
    auto a = stored, b = stored;
    mgca::image::adjust_brightness(a.plane(), brightness), mgca::image::adjust_contrast(a.plane(), contrast);
    mgca::image::adjust_contrast(b.plane(), contrast), mgca::image::adjust_brightness(b.plane(), brightness);
    const auto seen = pixels(augment(stored.plane(), how, key));
    REQUIRE((seen == pixels(a) || seen == pixels(b)));
    if (pixels(a) != pixels(b)) ++(seen == pixels(a) ? first : second);
  }
  CHECK(std::min(first, second) > 60);
}

TEST_CASE("augment: windows of a random resized crop have the stated parts and shapes, and reach every edge", "[image][fast]") {
  const Augmentation how{.crop = 16, .least_area = 0.25, .aspect = 2};
  const mgca::ImageSize size{.height = 64, .width = 96};
  int64_t top = 99, left = 99, bottom = 0, right = 0;
  for (uint64_t i = 0; i < 2000; ++i) {
    const auto window = mgca::image::drawn_movement(how, size, {.sample = i}).window;
    const auto part = static_cast<double>(window.height * window.width) / (64 * 96),
               shape = static_cast<double>(window.width) / static_cast<double>(window.height);
    REQUIRE((part > 0.24 && part <= 1 && shape > 0.48 && shape < 2.1));
    top = std::min(top, window.top), left = std::min(left, window.left);
    bottom = std::max(bottom, window.top + window.height), right = std::max(right, window.left + window.width);
  }
  CHECK((top == 0 && left == 0 && bottom == 64 && right == 96));
  CHECK(augment(numbered(40).plane(), how, {}).size() == mgca::ImageSize{.height = 16, .width = 16, .channels = 1});
  const auto narrow =
      mgca::image::drawn_movement({.least_area = 0.9, .aspect = 1}, {.height = 10, .width = 100}, {}).window;  // no such window fits
  CHECK((narrow.height == 10 && narrow.width == 10 && narrow.left == 45));
}

TEST_CASE("augment: a mask and boxes move with the picture", "[image][fast]") {
  GreyImage picture({.height = 60, .width = 60});
  const mgca::Box box{.x1 = 24, .y1 = 20, .x2 = 40, .y2 = 34};
  for (int64_t y = 20; y < 34; ++y) {
    for (int64_t x = 24; x < 40; ++x) picture.at(y, x) = 255;
  }
  for (const Augmentation& how : {Augmentation{.crop = 50, .flip = 0.5},
                                  {.rotate = 15, .scale = 0.2, .shift = 0.05, .crop = 52, .flip = 0.5},
                                  {.rotate = 90, .crop = 40, .least_area = 0.5, .flip = 0.5}}) {
    for (uint64_t i = 0; i < 60; ++i) {
      const auto movement = mgca::image::drawn_movement(how, picture.size(), {.sample = i});
      const auto seen = augment(picture.plane(), how, {.sample = i});
      const auto mask = mgca::image::moved_mask(std::as_const(picture).plane(), movement);
      const auto moved = mgca::image::moved_box(box, picture.size(), movement);
      int64_t apart = 0;
      for (std::size_t k = 0; k < seen.pixels().size(); ++k) apart += (seen.pixels()[k] > 127) != (mask.pixels()[k] > 127);
      INFO("sample " << i << ", turned by " << movement.similarity.angle);
      REQUIRE(apart < 70);  // the border of the box
      if (moved.area() == 0) continue;
      const auto found = mgca::test::extent(mask);
      REQUIRE(std::abs(found.x1 - moved.x1) + std::abs(found.y1 - moved.y1) + std::abs(found.x2 - moved.x2) +
                  std::abs(found.y2 - moved.y2) <
              8);
    }
  }
}

TEST_CASE("augment: brightness in fixed order is rounded to the nearest level, as it always was", "[image][fast]") {
  const GreyImage grey({.height = 4, .width = 4}, 100);
  for (uint64_t i = 0; i < 20; ++i) {
    const double factor = mgca::RandomStream({.sample = i}, mgca::Use::brightness).uniform(0.7, 1.3);
    CHECK(augment(grey.plane(), {.crop = 4, .brightness = 0.3}, {.sample = i}).at(0, 0) ==
          static_cast<uint8_t>(std::nearbyint(100 * factor)));
  }
}

TEST_CASE("augment: shift, scale and rotate are drawn within their bounds and half of the time", "[image][fast]") {
  int moved = 0;
  double least = 9, most = -9;
  for (uint64_t i = 0; i < 1000; ++i) {
    const auto s = mgca::image::drawn_similarity(mgca::augmentations::shift_scale_rotate(), {.sample = i});
    REQUIRE((std::abs(s.angle) <= 10 && s.scale >= 0.9 && s.scale <= 1.1 && s.shift_x == 0 && s.shift_y == 0));
    moved += s != mgca::image::Similarity{};
    least = std::min(least, s.angle), most = std::max(most, s.angle);
  }
  CHECK(std::abs(moved - 500) < 55);
  CHECK((least < -9.5 && most > 9.5));
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
  mgca::test::expect_error([&] { mgca::image::augment_into({.pixels = buffer, .height = 96, .width = 32}, stored.plane(), how, {}); },
                           {"32 x 32", "96 x 32"});
}

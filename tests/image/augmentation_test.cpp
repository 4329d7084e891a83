#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/image/augmentation.hpp>

#include <cmath>

using mgca::Augmentation;

TEST_CASE("augmentation: an old configuration means what it meant, everything new is off", "[image][fast]") {
  const Augmentation plain;
  CHECK(plain.crop == 224);
  CHECK(plain.random_crop);
  CHECK((plain.rotate == 0 && plain.scale == 0 && plain.shift == 0 && plain.least_area == 1 && plain.blurred == 0));
  CHECK((plain.flip == 0 && plain.brightness == 0 && plain.contrast == 0 && plain.jitter == mgca::Jitter::fixed_order &&
         plain.jittered == 1));
}

TEST_CASE("augmentation: the published sets have the published numbers", "[image][fast]") {
  const auto moco = mgca::augmentations::moco2_transform();
  CHECK(
      (moco.crop == 224 && moco.random_crop && moco.flip == 0.5 && moco.jittered == 0.8 && moco.brightness == 0.4 && moco.contrast == 0.4));
  CHECK((moco.jitter == mgca::Jitter::random_order && moco.blurred == 0.5 && moco.least_blur == 0.1 && moco.most_blur == 2));
  const auto segmentation = mgca::augmentations::shift_scale_rotate();
  CHECK((segmentation.moved == 0.5 && segmentation.rotate == 10 && segmentation.scale == 0.1 && segmentation.shift == 0));
  const auto resized = mgca::augmentations::random_resized_crop();
  CHECK((resized.least_area == 0.08 && resized.aspect == 4.0 / 3));
  for (const auto& preset : {mgca::augmentations::data_transforms(), moco, segmentation, resized}) CHECK_NOTHROW(preset.validate());
}

TEST_CASE("augmentation: settings out of range are refused by name", "[image][fast]") {
  using mgca::test::expect_error;
  expect_error([] { Augmentation{.crop = 0}.validate(); }, {"crop", "0"});
  expect_error([] { Augmentation{.flip = 1.5}.validate(); }, {"flip", "probability", "1.5"});
  expect_error([] { Augmentation{.brightness = 1}.validate(); }, {"[0, 1)"});
  expect_error([] { Augmentation{.contrast = std::nan("")}.validate(); }, {"contrast", "nan"});
  expect_error([] { Augmentation{.blurred = -1}.validate(); }, {"blurred", "probability", "-1"});
  expect_error([] { Augmentation{.rotate = 200}.validate(); }, {"rotate", "200"});
  expect_error([] { Augmentation{.scale = 1}.validate(); }, {"scale", "1"});
  expect_error([] { Augmentation{.least_area = 0}.validate(); }, {"least_area", "0"});
  expect_error([] { Augmentation{.least_blur = 3}.validate(); }, {"least_blur", "3"});
}

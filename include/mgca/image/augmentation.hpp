// What may happen to a stored picture on its way into a batch, as one described record, and the published sets by name.
#pragma once

#include <mgca/core/error.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace mgca {

enum class Jitter : std::uint8_t {
  fixed_order,   // brightness about black, then contrast about the exact mean, each rounded to the nearest level
  random_order,  // ColorJitter of torchvision with Pillow's arithmetic (image/tone.hpp)
};
constexpr auto names_of(Jitter) { return std::to_array<std::string_view>({"fixed_order", "random_order"}); }

struct Augmentation {
  double moved = 1;         // probability that the picture is turned, scaled and shifted as the next three say
  double rotate = 0;        // degrees drawn from -+ this
  double scale = 0;         // factor drawn from 1 -+ this
  double shift = 0;         // part of width and height drawn from -+ this
  std::int64_t crop = 224;  // side of the square that is cut out, pixels
  bool random_crop = true;  // anywhere; otherwise from the centre
  double least_area = 1;    // below 1: a window of at least this part of the picture, resized to the crop (random resized crop)
  double aspect = 4.0 / 3;  // of such a window: width / height from 1 / this to this
  double flip = 0;          // probability of a mirror image; laterality words in reports then no longer fit
  double jittered = 1;      // probability that brightness and contrast change
  double brightness = 0;    // factor drawn from 1 -+ this
  double contrast = 0;      // factor drawn from 1 -+ this, about the mean
  Jitter jitter = Jitter::fixed_order;
  double blurred = 0;       // probability of a Gaussian blur
  double least_blur = 0.1;  // its sigma is drawn from least_blur to most_blur, pixels
  double most_blur = 2;

  static void describe(auto& self, auto&& field) {
    field("moved", self.moved, "probability of being turned, scaled and shifted");
    field("rotate", self.rotate, "degrees drawn from -+ this");
    field("scale", self.scale, "size factor drawn from 1 -+ this");
    field("shift", self.shift, "part of width and height drawn from -+ this");
    field("crop", self.crop, "side of the square that is cut out, pixels");
    field("random_crop", self.random_crop, "cut anywhere; otherwise from the centre");
    field("least_area", self.least_area, "below 1: at least this part of the picture, resized to the crop");
    field("aspect", self.aspect, "most that such a part is wider than high, or higher than wide");
    field("flip", self.flip, "probability of a mirror image");
    field("jittered", self.jittered, "probability that brightness and contrast change");
    field("brightness", self.brightness, "brightness factor drawn from 1 -+ this");
    field("contrast", self.contrast, "contrast factor drawn from 1 -+ this");
    field("jitter", self.jitter, "how brightness and contrast are applied");
    field("blurred", self.blurred, "probability of a Gaussian blur");
    field("least_blur", self.least_blur, "least sigma of the blur, pixels");
    field("most_blur", self.most_blur, "greatest sigma of the blur, pixels");
  }
  void validate() const {
    MGCA_CHECK(crop > 0, "augmentation: crop must be positive, got ", crop);
    const auto probability = [](double value, std::string_view name) {
      MGCA_CHECK(value >= 0 && value <= 1, "augmentation: ", name, " is a probability, got ", value);
    };
    probability(moved, "moved"), probability(flip, "flip"), probability(jittered, "jittered"), probability(blurred, "blurred");
    MGCA_CHECK(brightness >= 0 && brightness < 1 && contrast >= 0 && contrast < 1,
               "augmentation: brightness and contrast must lie in [0, 1), got ", brightness, " and ", contrast);
    MGCA_CHECK(rotate >= 0 && rotate <= 180, "augmentation: rotate must lie in 0 to 180 degrees, got ", rotate);
    MGCA_CHECK(scale >= 0 && scale < 1 && shift >= 0 && shift <= 1, "augmentation: scale must lie in [0, 1) and shift in [0, 1], got ",
               scale, " and ", shift);
    MGCA_CHECK(least_area > 0 && least_area <= 1 && aspect >= 1 && aspect <= 100,
               "augmentation: least_area must lie in (0, 1] and aspect in 1 to 100, got ", least_area, " and ", aspect);
    MGCA_CHECK(least_blur >= 0 && least_blur <= most_blur && most_blur <= 100,
               "augmentation: expected 0 <= least_blur <= most_blur <= 100, got ", least_blur, " and ", most_blur);
  }
};

// The transform sets of the published code by their names there.
namespace augmentations {

// DataTransforms: pretraining and most linear probes.
[[nodiscard]] inline Augmentation data_transforms() { return {}; }

// Moco2Transform: the linear probe on CheXpert, and both views of a picture in MoCo (RandomKey::view 0 and 1). Its changes of
// saturation and hue and its conversion to grey leave a grey picture as it is; they have no field here.
[[nodiscard]] inline Augmentation moco2_transform() {
  return {.flip = 0.5, .jittered = 0.8, .brightness = 0.4, .contrast = 0.4, .jitter = Jitter::random_order, .blurred = 0.5};
}

// ShiftScaleRotate of segmentation: turned and scaled half of the time, never shifted, whatever its name says. Draw it with
// image::drawn_similarity and apply it to picture and mask, each about its own centre.
[[nodiscard]] inline Augmentation shift_scale_rotate() { return {.moved = 0.5, .rotate = 10, .scale = 0.1, .random_crop = false}; }

// RandomResizedCrop of torchvision with its defaults.
[[nodiscard]] inline Augmentation random_resized_crop() { return {.least_area = 0.08}; }

}  // namespace augmentations

}  // namespace mgca

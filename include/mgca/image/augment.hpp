// What happens to a stored picture on its way into a batch, as one described, seeded record.
// Every draw has an address (seed, epoch, record, use), so threads and restarts cannot change it.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/core/random.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace mgca {

struct Augmentation {
  std::int64_t crop = 224;     // side of the square that is cut out, pixels
  bool random_crop = true;     // anywhere; otherwise from the centre
  double flip = 0;             // probability of a mirror image; laterality words in reports then no longer fit
  double brightness = 0;       // factor drawn from 1 -+ this
  double contrast = 0;         // factor drawn from 1 -+ this, about the mean

  static void describe(auto& self, auto&& field) {
    field("crop", self.crop, "side of the square that is cut out, pixels");
    field("random_crop", self.random_crop, "cut anywhere; otherwise from the centre");
    field("flip", self.flip, "probability of a mirror image");
    field("brightness", self.brightness, "brightness factor drawn from 1 -+ this");
    field("contrast", self.contrast, "contrast factor drawn from 1 -+ this");
  }
  void validate() const {
    MGCA_CHECK(crop > 0, "augmentation: crop must be positive, got ", crop);
    MGCA_CHECK(flip >= 0 && flip <= 1, "augmentation: flip is a probability, got ", flip);
    MGCA_CHECK(brightness >= 0 && brightness < 1 && contrast >= 0 && contrast < 1, "augmentation: brightness and contrast must lie in [0, 1), got ",
               brightness, " and ", contrast);
  }
};

namespace image {

namespace detail {
// value -> (value - pivot) * factor + pivot, to the nearest representable.
inline void rescale(const Plane<std::uint8_t>& picture, double factor, double pivot) {
  std::array<std::uint8_t, 256> level{};
  for (std::size_t value = 0; value < level.size(); ++value) {
    level[value] = static_cast<std::uint8_t>(std::clamp(std::nearbyint((static_cast<double>(value) - pivot) * factor + pivot), 0.0, 255.0));
  }
  for (auto& pixel : picture.pixels) pixel = level[pixel];
}
}  // namespace detail

// Into `out`, crop x crop, without a copy in between. Throws Error(argument) for a picture smaller than the crop.
inline void augment_into(const Plane<std::uint8_t>& out, const Plane<const std::uint8_t>& stored, const Augmentation& how, const RandomKey& key) {
  MGCA_CHECK(stored.height >= how.crop && stored.width >= how.crop, "augment: a crop of ", how.crop, " does not fit ", stored.height, " x ", stored.width,
             " pixels; store larger pictures or crop less");
  MGCA_CHECK(stored.channels == 1 && out.channels == 1 && out.height == how.crop && out.width == how.crop, "augment: expected one channel, and room for ", how.crop, " x ",
             how.crop, " pixels, got ", stored.channels, " channels and ", out.height, " x ", out.width, " x ", out.channels);
  const auto spare_y = stored.height - how.crop, spare_x = stored.width - how.crop;
  RandomStream place(key, Use::crop);
  const auto top = how.random_crop ? static_cast<std::int64_t>(place.below(static_cast<std::uint64_t>(spare_y + 1))) : spare_y / 2;
  const auto left = how.random_crop ? static_cast<std::int64_t>(place.below(static_cast<std::uint64_t>(spare_x + 1))) : spare_x / 2;
  const bool mirrored = how.flip > 0 && draw(key, Use::flip) < how.flip;
  for (std::int64_t y = 0; y < how.crop; ++y) {
    const auto from = stored.row(top + y).begin() + left;
    if (mirrored) std::reverse_copy(from, from + how.crop, out.row(y).begin());
    else std::copy_n(from, how.crop, out.row(y).begin());
  }
  if (how.brightness > 0) detail::rescale(out, RandomStream(key, Use::brightness).uniform(1 - how.brightness, 1 + how.brightness), 0);
  if (how.contrast > 0) {
    double mean = 0;
    for (const auto pixel : out.pixels) mean += pixel;
    mean /= static_cast<double>(out.pixels.size());
    detail::rescale(out, RandomStream(key, Use::contrast).uniform(1 - how.contrast, 1 + how.contrast), mean);
  }
}

[[nodiscard]] inline GreyImage augment(const Plane<const std::uint8_t>& stored, const Augmentation& how, const RandomKey& key) {
  GreyImage picture({.height = how.crop, .width = how.crop});
  augment_into(picture.plane(), stored, how, key);
  return picture;
}

}  // namespace image
}  // namespace mgca

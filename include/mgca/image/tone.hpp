// Brightness and contrast as torchvision's ColorJitter applies them to 8-bit pictures: the pixels of Pillow's ImageEnhance.
// Saturation, hue and conversion to grey change nothing in a grey picture, so they are not here.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace mgca::image {

namespace detail {
// pivot + factor (value - pivot) in single precision, cut off at 0 and 255, fractions dropped.
inline void blend(const Plane<std::uint8_t>& picture, int pivot, float factor) {
  std::array<std::uint8_t, 256> level{};
  for (int value = 0; value < 256; ++value) {
    const float mixed = static_cast<float>(pivot) + factor * static_cast<float>(value - pivot);
    level[static_cast<std::size_t>(value)] = static_cast<std::uint8_t>(std::clamp(mixed, 0.0F, 255.0F));
  }
  for (auto& pixel : picture.pixels) pixel = level[pixel];
}
}  // namespace detail

// In place. `factor` 1 leaves the picture, 0 makes it black. Throws Error(argument) for a negative one.
inline void adjust_brightness(const Plane<std::uint8_t>& picture, double factor) {
  MGCA_CHECK(factor >= 0 && std::isfinite(factor), "adjust_brightness: expected a factor of 0 or more, got ", factor);
  detail::blend(picture, 0, static_cast<float>(factor));
}

// In place, about the mean grey level, rounded to a whole one. `factor` 1 leaves the picture, 0 makes it flat.
inline void adjust_contrast(const Plane<std::uint8_t>& picture, double factor) {
  MGCA_CHECK(factor >= 0 && std::isfinite(factor), "adjust_contrast: expected a factor of 0 or more, got ", factor);
  MGCA_CHECK(!picture.pixels.empty(), "adjust_contrast: the picture has no pixels");
  std::uint64_t sum = 0;
  for (const auto pixel : picture.pixels) sum += pixel;
  detail::blend(picture, static_cast<int>(static_cast<double>(sum) / static_cast<double>(picture.pixels.size()) + 0.5),
                static_cast<float>(factor));
}

}  // namespace mgca::image

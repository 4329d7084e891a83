// Brightness values: to numbers, to 8 bits.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

namespace mgca::image {

// What the networks see: (x / 255 - 0.5) / 0.5, in single precision in that order, so -1 to 1.
[[nodiscard]] inline float normalised(std::uint8_t value) { return (static_cast<float>(value) / 255.0F - 0.5F) / 0.5F; }

// 16-bit pixels scaled so that the brightest becomes 255, rounded half to even; an all-black picture stays black.
[[nodiscard]] inline GreyImage scaled_to_bytes(const Plane<const std::uint16_t>& in) {
  MGCA_CHECK(in.channels == 1 && !in.pixels.empty(), "scaled_to_bytes: expected one channel with pixels, got ", in.height, " x ", in.width, " x ",
             in.channels);
  GreyImage out({.height = in.height, .width = in.width});
  const auto brightest = *std::max_element(in.pixels.begin(), in.pixels.end());
  if (brightest == 0) return out;
  const auto scale = static_cast<float>(255.0 / brightest);  // single precision, as the reference multiplies
  std::transform(in.pixels.begin(), in.pixels.end(), out.pixels().begin(),
                 [&](std::uint16_t v) { return static_cast<std::uint8_t>(std::clamp(std::nearbyint(static_cast<float>(v) * scale), 0.0F, 255.0F)); });
  return out;
}

}  // namespace mgca::image

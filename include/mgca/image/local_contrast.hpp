// Evens out brightness and contrast: every pixel is seen against its own neighbourhood.
// Fine texture then weighs as much as anatomy, whatever the exposure.
// Reference: subtractive and divisive normalisation, Jarrett et al. 2009, section 3.2, here over a square window.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace mgca {

struct LocalContrast {
  std::int64_t radius = 0;  // of the square window, pixels; 0: pictures stay as they are
  double floor = 8;         // grey levels added to the deviation, so that noise in flat regions is not blown up
  double gain = 50;         // grey levels for one deviation; results outside 0 .. 255 are clipped

  static void describe(auto& self, auto&& field) {
    field("radius", self.radius, "radius of the square window, pixels; 0: off");
    field("floor", self.floor, "grey levels added to the deviation");
    field("gain", self.gain, "grey levels for one deviation");
  }
  void validate() const {
    MGCA_CHECK(radius >= 0, "local_contrast: radius must be 0 or more, got ", radius);
    MGCA_CHECK(floor > 0 && gain > 0, "local_contrast: floor and gain must be positive, got ", floor, " and ", gain);
  }
  friend bool operator==(const LocalContrast&, const LocalContrast&) = default;
};

namespace image {

// 127.5 + gain (x - mean) / (deviation + floor) over the window around each pixel, cut off at the borders; time does not
// depend on the radius. Radius 0 gives the picture back. Throws Error(argument) for more than one channel.
[[nodiscard]] inline GreyImage local_contrast(const Plane<const std::uint8_t>& in, const LocalContrast& how) {
  how.validate();
  MGCA_CHECK(in.channels == 1, "local_contrast: expected one channel, got ", in.channels);
  const auto H = in.height, W = in.width;
  GreyImage out({.height = H, .width = W});
  if (how.radius == 0) {
    std::copy(in.pixels.begin(), in.pixels.end(), out.pixels().begin());
    return out;
  }
  struct Sums {
    std::int64_t value = 0, square = 0;
  };
  std::vector<Sums> above(static_cast<std::size_t>((H + 1) * (W + 1)));  // over all pixels above and left of a corner
  const auto corner = [&](std::int64_t y, std::int64_t x) -> Sums& { return above[static_cast<std::size_t>(y * (W + 1) + x)]; };
  for (std::int64_t y = 0; y < H; ++y) {
    Sums row;
    for (std::int64_t x = 0; x < W; ++x) {
      const std::int64_t pixel = in.at(y, x);
      row.value += pixel, row.square += pixel * pixel;
      corner(y + 1, x + 1) = {corner(y, x + 1).value + row.value, corner(y, x + 1).square + row.square};
    }
  }
  for (std::int64_t y = 0; y < H; ++y) {
    const auto top = std::max<std::int64_t>(0, y - how.radius), bottom = std::min(H, y + how.radius + 1);
    for (std::int64_t x = 0; x < W; ++x) {
      const auto left = std::max<std::int64_t>(0, x - how.radius), right = std::min(W, x + how.radius + 1);
      const auto within = [&](auto sum) { return static_cast<double>(corner(bottom, right).*sum - corner(top, right).*sum - corner(bottom, left).*sum + corner(top, left).*sum); };
      const double count = static_cast<double>((bottom - top) * (right - left));
      const double mean = within(&Sums::value) / count;
      const double deviation = std::sqrt(std::max(0.0, within(&Sums::square) / count - mean * mean));
      const double value = 127.5 + how.gain * (static_cast<double>(in.at(y, x)) - mean) / (deviation + how.floor);
      out.at(y, x) = static_cast<std::uint8_t>(std::clamp(std::nearbyint(value), 0.0, 255.0));
    }
  }
  return out;
}

}  // namespace image
}  // namespace mgca

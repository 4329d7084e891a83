// A picture of the size of a radiograph, 2544 x 3056 pixels, with as much detail as one: smooth anatomy, ribs and fine noise.
#pragma once

#include <mgca/core/plane.hpp>
#include <mgca/core/random.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace mgca::bench {

inline const GreyImage& radiograph() {
  static const GreyImage picture = [] {
    GreyImage made({.height = 3056, .width = 2544});
    RandomStream random({.seed = 1}, Use::test);
    for (std::int64_t y = 0; y < made.height(); ++y) {
      for (std::int64_t x = 0; x < made.width(); ++x) {
        const double u = static_cast<double>(x) / 2544 - 0.5, v = static_cast<double>(y) / 3056 - 0.5;
        const double value = 160 - 240 * u * u - 120 * v * v + 25 * std::sin(60 * v + 8 * u) + (static_cast<double>(random() >> 24) - 127.5) * 0.05;
        made.at(y, x) = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
      }
    }
    return made;
  }();
  return picture;
}

}  // namespace mgca::bench

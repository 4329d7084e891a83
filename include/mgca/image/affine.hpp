// Rotating, scaling and shifting pictures, masks and boxes. Pixels equal to warpAffine of OpenCV 4 on 8-bit images:
// positions to 1/32 of a pixel (to 1/1024 for the nearest one), weights in 15 bits. OpenCV 5 differs by up to 3 levels.
#pragma once

#include <mgca/core/box.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

namespace mgca::image {

// Where a point goes: (xx x + xy y + x0, yx x + yy y + y0).
struct Affine {
  double xx = 1, xy = 0, x0 = 0;
  double yx = 0, yy = 1, y0 = 0;
  friend bool operator==(const Affine&, const Affine&) = default;
};

struct Similarity {
  double angle = 0;    // degrees, counter-clockwise as seen
  double scale = 1;    // above 1: larger
  double shift_x = 0;  // to the right, as a part of the width
  double shift_y = 0;  // down, as a part of the height
  friend bool operator==(const Similarity&, const Similarity&) = default;
};

// About (width / 2, height / 2) of an array of this size, so that one draw fits a picture and a mask of another resolution.
[[nodiscard]] inline Affine affine_of(const Similarity& s, const ImageSize& size) {
  const double radians = s.angle * (std::numbers::pi / 180), a = std::cos(radians) * s.scale, b = std::sin(radians) * s.scale;
  const double cx = static_cast<double>(size.width) / 2, cy = static_cast<double>(size.height) / 2;
  return {.xx = a,
          .xy = b,
          .x0 = (1 - a) * cx - b * cy + s.shift_x * static_cast<double>(size.width),
          .yx = -b,
          .yy = a,
          .y0 = b * cx + (1 - a) * cy + s.shift_y * static_cast<double>(size.height)};
}

// Throws Error(argument) for one that squeezes the plane into a line.
[[nodiscard]] inline Affine inverted(const Affine& m) {
  const double determinant = m.xx * m.yy - m.xy * m.yx;
  MGCA_CHECK(std::isfinite(1 / determinant), "affine: it has no inverse, its determinant is ", determinant);
  const double d = 1 / determinant;
  Affine out{.xx = m.yy * d, .xy = m.xy * -d, .yx = m.yx * -d, .yy = m.xx * d};
  out.x0 = -out.xx * m.x0 - out.xy * m.y0;
  out.y0 = -out.yx * m.x0 - out.yy * m.y0;
  return out;
}

namespace detail {

// For each target pixel, row by row: where it comes from, in 1/1024 of a pixel with `round` added.
template <class Put>
void for_each_source(const ImageSize& size, const Affine& m, std::int64_t round, Put&& put) {
  const auto fixed = [](double value) {
    return static_cast<std::int64_t>(std::nearbyint(std::clamp(value * 1024, -2147483648.0, 2147483647.0)));
  };
  const Affine back = inverted(m);
  std::vector<std::array<std::int64_t, 2>> along;
  for (std::int64_t x = 0; x < size.width; ++x)
    along.push_back({fixed(back.xx * static_cast<double>(x)), fixed(back.yx * static_cast<double>(x))});
  for (std::int64_t y = 0; y < size.height; ++y) {
    const auto X = fixed(back.xy * static_cast<double>(y) + back.x0) + round, Y = fixed(back.yy * static_cast<double>(y) + back.y0) + round;
    for (std::int64_t x = 0; x < size.width; ++x)
      put(y, x, X + along[static_cast<std::size_t>(x)][0], Y + along[static_cast<std::size_t>(x)][1]);
  }
}

}  // namespace detail

// Bilinear, zeros beyond the border. Throws Error(argument) for more than one channel or a transform without an inverse.
[[nodiscard]] inline GreyImage warp(const Plane<const std::uint8_t>& in, const Affine& transform) {
  MGCA_CHECK(in.channels == 1, "warp: expected one channel, got ", in.channels);
  GreyImage out({.height = in.height, .width = in.width});
  const auto value = [&](std::int64_t y, std::int64_t x) {
    return y >= 0 && y < in.height && x >= 0 && x < in.width ? std::int64_t{in.at(y, x)} : 0;
  };
  const auto place = [&](std::int64_t y, std::int64_t x, std::int64_t source_x, std::int64_t source_y) {
    const auto X = source_x >> 5, Y = source_y >> 5, bx = X & 31, by = Y & 31, sx = X >> 5, sy = Y >> 5;
    std::int64_t a = 0, b = 0, c = 0, d = 0;
    if (sy >= 0 && sy + 1 < in.height && sx >= 0 && sx + 1 < in.width) {
      const auto* above = in.pixels.data() + sy * in.width + sx;
      a = above[0], b = above[1], c = above[in.width], d = above[in.width + 1];
    } else {
      a = value(sy, sx), b = value(sy, sx + 1), c = value(sy + 1, sx), d = value(sy + 1, sx + 1);
    }
    const auto top = (32 - bx) * a + bx * b, bottom = (32 - bx) * c + bx * d;
    out.at(y, x) = static_cast<std::uint8_t>(((32 - by) * top + by * bottom + 512) >> 10);
  };
  detail::for_each_source(out.size(), transform, 16, place);
  return out;
}

// The nearest pixel, zeros beyond the border: for masks, whose values must not mix.
template <class T>
[[nodiscard]] Image<T> warp_nearest(const Plane<const T>& in, const Affine& transform) {
  MGCA_CHECK(in.channels == 1, "warp_nearest: expected one channel, got ", in.channels);
  Image<T> out({.height = in.height, .width = in.width});
  detail::for_each_source(out.size(), transform, 512, [&](std::int64_t y, std::int64_t x, std::int64_t source_x, std::int64_t source_y) {
    const auto sx = source_x >> 10, sy = source_y >> 10;
    if (sy >= 0 && sy < in.height && sx >= 0 && sx < in.width) out.at(y, x) = in.at(sy, sx);
  });
  return out;
}

// The upright box around a moved box, cut off at the borders of the picture; empty (of no area) where nothing is left of it.
[[nodiscard]] inline Box warp(const Box& box, const Affine& m, const ImageSize& size) {
  Box out{.x1 = std::numeric_limits<double>::infinity(),
          .y1 = std::numeric_limits<double>::infinity(),
          .x2 = -std::numeric_limits<double>::infinity(),
          .y2 = -std::numeric_limits<double>::infinity()};
  for (const double x : {box.x1, box.x2}) {
    for (const double y : {box.y1, box.y2}) {
      const double to_x = m.xx * x + m.xy * y + m.x0, to_y = m.yx * x + m.yy * y + m.y0;
      out = {std::min(out.x1, to_x), std::min(out.y1, to_y), std::max(out.x2, to_x), std::max(out.y2, to_y)};
    }
  }
  const auto W = static_cast<double>(size.width), H = static_cast<double>(size.height);
  return {std::clamp(out.x1, 0.0, W), std::clamp(out.y1, 0.0, H), std::clamp(out.x2, 0.0, W), std::clamp(out.y2, 0.0, H)};
}

}  // namespace mgca::image

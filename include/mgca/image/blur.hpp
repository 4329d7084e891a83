// Gaussian blur as three box blurs of fractional width: the pixels of Pillow's ImageFilter.GaussianBlur, not of an exact kernel.
// Reference: Gwosdek et al., "Theoretical foundations of Gaussian convolution by extended box filtering", SSVM 2011.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace mgca::image {

namespace detail {

// Half the width of the box whose threefold use comes closest to a Gaussian.
[[nodiscard]] inline float box_radius(float sigma) {
  const float square = sigma * sigma / 3;
  const auto length = static_cast<float>(std::sqrt(12.0 * static_cast<double>(square) + 1.0));
  const auto whole = static_cast<float>(std::floor((static_cast<double>(length) - 1.0) / 2.0));
  const float part = (2 * whole + 1) * (whole * (whole + 1) - 3 * square) / (6 * (square - (whole + 1) * (whole + 1)));
  return whole + part;
}

struct BoxWeights {
  std::int64_t radius;         // of the pixels that count in full
  std::uint32_t inner, outer;  // of 2^24
};

// The mean over a window around each pixel. `in` has radius + 1 pixels more at either end than `out`.
inline void box_line(const std::uint8_t* in, std::span<std::uint8_t> out, const BoxWeights& w) {
  const std::int64_t width = 2 * w.radius + 1;
  std::uint32_t sum = 0;
  for (std::int64_t i = 0; i < width; ++i) sum += in[i];
  for (auto& pixel : out) {
    sum += std::uint32_t{in[width]} - in[0];
    pixel = static_cast<std::uint8_t>((sum * w.inner + (std::uint32_t{in[0]} + in[width + 1]) * w.outer + (1U << 23)) >> 24);
    ++in;
  }
}

// Three times along the rows, the first and last pixel repeated beyond the ends, then turned over the diagonal.
inline GreyImage blurred_rows(const Plane<const std::uint8_t>& in, const BoxWeights& w) {
  GreyImage out({.height = in.width, .width = in.height});
  const auto margin = static_cast<std::size_t>(w.radius + 1), W = static_cast<std::size_t>(in.width);
  std::vector<std::uint8_t> line(W + 2 * margin), result(W);
  for (std::int64_t y = 0; y < in.height; ++y) {
    std::copy(in.row(y).begin(), in.row(y).end(), result.begin());
    for (int pass = 0; pass < 3; ++pass) {
      std::fill_n(line.begin(), margin, result.front());
      std::copy(result.begin(), result.end(), line.begin() + static_cast<std::ptrdiff_t>(margin));
      std::fill_n(line.end() - static_cast<std::ptrdiff_t>(margin), margin, result.back());
      box_line(line.data(), result, w);
    }
    for (std::int64_t x = 0; x < in.width; ++x) out.at(x, y) = result[static_cast<std::size_t>(x)];
  }
  return out;
}

}  // namespace detail

// `sigma` in pixels is Pillow's `radius`; 0 gives the picture back. Throws Error(argument) for more than one channel or a
// sigma outside 0 to 100.
[[nodiscard]] inline GreyImage gaussian_blur(const Plane<const std::uint8_t>& in, double sigma) {
  MGCA_CHECK(in.channels == 1 && in.height > 0 && in.width > 0, "gaussian_blur: expected one channel of at least 1 x 1 pixels, got ",
             in.height, " x ", in.width, " x ", in.channels);
  MGCA_CHECK(sigma >= 0 && sigma <= 100, "gaussian_blur: expected a sigma of 0 to 100 pixels, got ", sigma);
  if (sigma == 0) {
    GreyImage same({.height = in.height, .width = in.width});
    std::copy(in.pixels.begin(), in.pixels.end(), same.pixels().begin());
    return same;
  }
  const float radius = detail::box_radius(static_cast<float>(sigma));
  detail::BoxWeights w{
      .radius = static_cast<std::int64_t>(radius), .inner = static_cast<std::uint32_t>(16777216.0F / (radius * 2 + 1)), .outer = 0};
  w.outer = ((1U << 24) - static_cast<std::uint32_t>(w.radius * 2 + 1) * w.inner) / 2;
  return detail::blurred_rows(detail::blurred_rows(in, w).plane(), w);
}

}  // namespace mgca::image

// Moving pixels without changing them: pad, crop, flip.
#pragma once

#include <mgca/core/box.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/image/resize.hpp>

#include <algorithm>
#include <cstdint>

namespace mgca::image {

struct Padding {
  std::int64_t top = 0, bottom = 0, left = 0, right = 0;  // pixels
};

// What a picture lacks to target x target; an odd remainder goes to the bottom and right. Throws Error(argument) for a larger one.
[[nodiscard]] inline Padding square_padding(const ImageSize& size, std::int64_t target) {
  MGCA_CHECK(size.height <= target && size.width <= target, "square_padding: ", size.height, " x ", size.width, " pixels do not fit ", target);
  const auto rows = target - size.height, columns = target - size.width;
  return {.top = rows / 2, .bottom = rows - rows / 2, .left = columns / 2, .right = columns - columns / 2};
}

// Zeros around a picture until it is target x target.
[[nodiscard]] inline GreyImage pad_to_square(const Plane<const std::uint8_t>& in, std::int64_t target) {
  MGCA_CHECK(in.channels == 1, "pad_to_square: expected one channel, got ", in.channels);
  const auto zeros = square_padding({.height = in.height, .width = in.width}, target);
  GreyImage out({.height = target, .width = target});
  for (std::int64_t y = 0; y < in.height; ++y) std::copy_n(in.row(y).begin(), in.width, out.plane().row(y + zeros.top).begin() + zeros.left);
  return out;
}

// What a study is stored as: longer side reduced (or enlarged) to `target`, the rest zeros.
// Reference: the published preparation of MIMIC-CXR, target 256.
[[nodiscard]] inline GreyImage fit_to_square(const Plane<const std::uint8_t>& in, std::int64_t target) {
  const auto size = fitted_size({.height = in.height, .width = in.width}, target);
  return pad_to_square(resize(in, {.height = size.height, .width = size.width}).plane(), target);
}

// A box of a picture of `size`, in the picture fit_to_square makes of it.
[[nodiscard]] inline Box fitted_box(const Box& box, const ImageSize& size, std::int64_t target) {
  const auto inner = fitted_size(size, target);
  const auto zeros = square_padding(inner, target);
  const auto scaled = box.scaled(static_cast<double>(inner.width) / static_cast<double>(size.width), static_cast<double>(inner.height) / static_cast<double>(size.height));
  const auto x = static_cast<double>(zeros.left), y = static_cast<double>(zeros.top);
  return {scaled.x1 + x, scaled.y1 + y, scaled.x2 + x, scaled.y2 + y};
}

struct CropOptions {
  std::int64_t top = 0;
  std::int64_t left = 0;
  std::int64_t height = 224;
  std::int64_t width = 224;
};

[[nodiscard]] inline GreyImage crop(const Plane<const std::uint8_t>& in, const CropOptions& o) {
  MGCA_CHECK(in.channels == 1, "crop: expected one channel, got ", in.channels);
  MGCA_CHECK(o.top >= 0 && o.left >= 0 && o.height > 0 && o.width > 0 && o.top <= in.height - std::min(o.height, in.height + 1) &&
                 o.left <= in.width - std::min(o.width, in.width + 1),
             "crop: ", o.height, " x ", o.width, " at (", o.top, ", ", o.left, ") leaves the image of ", in.height, " x ", in.width);
  GreyImage out({.height = o.height, .width = o.width});
  for (std::int64_t y = 0; y < o.height; ++y) std::copy_n(in.row(o.top + y).begin() + o.left, o.width, out.plane().row(y).begin());
  return out;
}

[[nodiscard]] inline GreyImage flip_horizontal(const Plane<const std::uint8_t>& in) {
  MGCA_CHECK(in.channels == 1, "flip_horizontal: expected one channel, got ", in.channels);
  GreyImage out({.height = in.height, .width = in.width});
  for (std::int64_t y = 0; y < in.height; ++y) std::reverse_copy(in.row(y).begin(), in.row(y).end(), out.plane().row(y).begin());
  return out;
}

}  // namespace mgca::image

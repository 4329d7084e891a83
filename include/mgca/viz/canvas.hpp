// Boxes, outlines and short labels drawn on pixels: predictions against truth, for figures that must be one PNG.
// Whatever lies outside the picture is not drawn.
#pragma once

#include <mgca/core/box.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/viz/colormap.hpp>
#include <mgca/viz/detail/font.hpp>

namespace mgca {

struct DrawOptions {
  Rgb color{255, 196, 0};
  std::int64_t thickness = 2;  // pixels
};

struct TextOptions {
  std::int64_t x = 0, y = 0;  // left and top of the text, pixels
  std::int64_t scale = 1;     // side of one dot, pixels; a letter is 5 x 7 dots
  Rgb color{255, 255, 255};
  bool shadow = true;  // a black edge that keeps the text readable on any ground
};

}  // namespace mgca

namespace mgca::viz {
namespace detail {

inline void put(Plane<std::uint8_t> picture, std::pair<std::int64_t, std::int64_t> yx, Rgb color) {
  const auto [y, x] = yx;
  if (y < 0 || x < 0 || y >= picture.height || x >= picture.width) return;
  picture.at(y, x, 0) = color.r;
  picture.at(y, x, 1) = color.g;
  picture.at(y, x, 2) = color.b;
}

inline void check_canvas(Plane<const std::uint8_t> picture) {
  MGCA_CHECK(picture.channels == 3 && picture.height > 0 && picture.width > 0, "canvas: expected an RGB picture, got ",
             picture.height, " x ", picture.width, " x ", picture.channels, "; make one with to_rgb");
}

}  // namespace detail

// A grey picture three times, an RGB one as it is.
[[nodiscard]] inline Image<std::uint8_t> to_rgb(Plane<const std::uint8_t> picture) {
  MGCA_CHECK(picture.channels == 1 || picture.channels == 3, "to_rgb: expected 1 or 3 channels, got ",
             picture.channels);
  Image<std::uint8_t> result({.height = picture.height, .width = picture.width, .channels = 3});
  for (std::int64_t y = 0; y < picture.height; ++y) {
    for (std::int64_t x = 0; x < picture.width; ++x) {
      for (std::int64_t c = 0; c < 3; ++c) result.at(y, x, c) = picture.at(y, x, picture.channels == 1 ? 0 : c);
    }
  }
  return result;
}

// The frame lies inside the box; corners are rounded to whole pixels. Throws Error(argument) for corners that are no
// numbers or in the wrong order.
inline void draw_box(Plane<std::uint8_t> picture, const Box& box, const DrawOptions& options = {}) {
  detail::check_canvas(picture);
  MGCA_CHECK(std::isfinite(box.x1) && std::isfinite(box.y1) && std::isfinite(box.x2) && std::isfinite(box.y2) &&
                 box.x1 <= box.x2 && box.y1 <= box.y2,
             "draw_box: expected corners in order, got (", box.x1, ", ", box.y1, ") to (", box.x2, ", ", box.y2, ")");
  const auto within = [](double value, std::int64_t side) {  // one pixel outside is as good as far outside
    return std::llround(std::clamp(value, -1e4, static_cast<double>(side) + 1e4));
  };
  const auto left = within(box.x1, picture.width), right = within(box.x2, picture.width);
  const auto top = within(box.y1, picture.height), bottom = within(box.y2, picture.height);
  for (auto y = std::max<std::int64_t>(top, 0); y < std::min<std::int64_t>(bottom, picture.height); ++y) {
    for (auto x = std::max<std::int64_t>(left, 0); x < std::min<std::int64_t>(right, picture.width); ++x) {
      const auto edge = std::min({x - left, right - 1 - x, y - top, bottom - 1 - y});
      if (edge < options.thickness) detail::put(picture, {y, x}, options.color);
    }
  }
}

// The inner edge of a mask: its pixels less than `thickness` away from one outside. Nonzero is inside.
inline void draw_contour(Plane<std::uint8_t> picture, Plane<const std::uint8_t> mask, const DrawOptions& options = {}) {
  detail::check_canvas(picture);
  MGCA_CHECK(mask.height == picture.height && mask.width == picture.width && mask.channels == 1,
             "draw_contour: a mask of ", mask.height, " x ", mask.width, " x ", mask.channels,
             " does not fit a picture of ", picture.height, " x ", picture.width);
  const auto inside = [&](std::int64_t y, std::int64_t x) {
    return y >= 0 && x >= 0 && y < mask.height && x < mask.width && mask.at(y, x) != 0;
  };
  for (std::int64_t y = 0; y < mask.height; ++y) {
    for (std::int64_t x = 0; x < mask.width; ++x) {
      if (!inside(y, x)) continue;
      bool edge = false;
      for (std::int64_t step = 1; step <= options.thickness && !edge; ++step) {
        edge = !inside(y - step, x) || !inside(y + step, x) || !inside(y, x - step) || !inside(y, x + step);
      }
      if (edge) detail::put(picture, {y, x}, options.color);
    }
  }
}

// Digits, letters (shown as capitals) and . , : + - % / ( ) = < > _ ' # ? ! of a 5 x 7 font; others appear as a frame.
inline void draw_text(Plane<std::uint8_t> picture, std::string_view text, const TextOptions& options = {}) {
  detail::check_canvas(picture);
  MGCA_CHECK(options.scale >= 1 && options.scale <= 64, "draw_text: expected a scale of 1 to 64, got ", options.scale);
  const auto stamp = [&](std::int64_t dy, std::int64_t dx, Rgb color) {
    auto left = options.x + dx;
    for (const char c : text) {
      const auto glyph = detail::glyph_of(c);
      for (std::int64_t y = 0; y < 7 * options.scale; ++y) {
        for (std::int64_t x = 0; x < 5 * options.scale; ++x) {
          if ((glyph[static_cast<std::size_t>(y / options.scale)] >> (4 - x / options.scale) & 1) != 0) {
            detail::put(picture, {options.y + dy + y, left + x}, color);
          }
        }
      }
      left += 6 * options.scale;
    }
  };
  if (options.shadow) {
    for (const auto& [dy, dx] : {std::pair{-1, 0}, {1, 0}, {0, -1}, {0, 1}}) stamp(dy, dx, {0, 0, 0});
  }
  stamp(0, 0, options.color);
}

}  // namespace mgca::viz

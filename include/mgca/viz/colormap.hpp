// Numbers in [0, 1] to colours. Viridis rises evenly in lightness, so that it survives print and colour blindness; jet
// is there for comparison with published figures. References: van der Walt and Smith, matplotlib 2015; jet: Matlab.
#pragma once

#include <mgca/core/error.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mgca {

struct Rgb {
  std::uint8_t r = 0, g = 0, b = 0;
  friend constexpr bool operator==(const Rgb&, const Rgb&) = default;
};

enum class Colormap : std::uint8_t { viridis, jet, grey };
constexpr auto names_of(Colormap) { return std::to_array<std::string_view>({"viridis", "jet", "grey"}); }

}  // namespace mgca

namespace mgca::viz {
namespace detail {

inline constexpr std::array<Rgb, 11> kViridis{{{68, 1, 84},
                                               {72, 37, 118},
                                               {65, 68, 135},
                                               {53, 96, 141},
                                               {42, 120, 142},
                                               {33, 144, 140},
                                               {34, 168, 132},
                                               {67, 191, 113},
                                               {122, 209, 81},
                                               {187, 223, 39},
                                               {253, 231, 37}}};

inline std::uint8_t level(double value) {
  return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
}

inline std::string hex(Rgb color) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "#";
  for (const int value : {color.r, color.g, color.b}) {
    text += digits[static_cast<std::size_t>(value >> 4)];
    text += digits[static_cast<std::size_t>(value & 15)];
  }
  return text;
}

}  // namespace detail

// Throws Error(argument) outside [0, 1] and for NaN: normalise first, and say how.
[[nodiscard]] inline Rgb color_of(Colormap map, double value) {
  MGCA_CHECK(value >= 0 && value <= 1, "colormap: expected a value in [0, 1], got ", value, "; normalise first");
  if (map == Colormap::grey)
    return {detail::level(255 * value), detail::level(255 * value), detail::level(255 * value)};
  if (map == Colormap::jet) {
    const auto ramp = [&](double centre) { return detail::level(255 * (1.5 - std::abs(4 * value - centre))); };
    return {ramp(3), ramp(2), ramp(1)};
  }
  const double place = value * static_cast<double>(detail::kViridis.size() - 1);
  const auto left = std::min(static_cast<std::size_t>(place), detail::kViridis.size() - 2);
  const auto &a = detail::kViridis[left], &b = detail::kViridis[left + 1];
  const double part = place - static_cast<double>(left);
  const auto mix = [&](double from, double to) { return detail::level(from + part * (to - from)); };
  return {mix(a.r, b.r), mix(a.g, b.g), mix(a.b, b.b)};
}

[[nodiscard]] inline std::array<Rgb, 256> color_table(Colormap map) {
  std::array<Rgb, 256> table;
  for (std::size_t i = 0; i < 256; ++i) table[i] = color_of(map, static_cast<double>(i) / 255.0);
  return table;
}

// The map from left (0) to right (1) as a CSS background.
[[nodiscard]] inline std::string css_gradient(Colormap map) {
  std::string text = "linear-gradient(90deg";
  for (int i = 0; i <= 16; ++i) text += "," + detail::hex(color_of(map, i / 16.0));
  return text + ")";
}

// Distinct colours for lines and bars; repeats after eight.
[[nodiscard]] inline Rgb series_color(std::size_t index) {
  constexpr std::array<Rgb, 8> colors{{{37, 99, 235},
                                       {217, 93, 14},
                                       {13, 148, 110},
                                       {147, 51, 184},
                                       {200, 30, 90},
                                       {90, 104, 122},
                                       {161, 124, 10},
                                       {14, 143, 178}}};
  return colors[index % colors.size()];
}

}  // namespace mgca::viz

// A small grid of attention over the radiograph it belongs to.
// The formula is part of the result: whether red means much or little attention depends on it, and readers have been
// misled by maps that showed one minus the weight.
#pragma once

#include <mgca/core/plane.hpp>
#include <mgca/viz/colormap.hpp>

namespace mgca {

enum class MapScale : std::uint8_t {
  min_max,  // (a - min a) / (max a - min a)
  by_max,   // a / max a
  raw,      // a, which must lie in [0, 1]
};
constexpr auto names_of(MapScale) { return std::to_array<std::string_view>({"min_max", "by_max", "raw"}); }

enum class MapDirection : std::uint8_t {
  value,      // much attention at the high end of the colour map
  one_minus,  // the reverse, as the published notebook draws it
};
constexpr auto names_of(MapDirection) { return std::to_array<std::string_view>({"value", "one_minus"}); }

enum class Blend : std::uint8_t {
  constant,  // heat * colour + image * radiograph
  by_value,  // heat * value * colour + (1 - heat * value) * radiograph: weak attention leaves the radiograph as it is
};
constexpr auto names_of(Blend) { return std::to_array<std::string_view>({"constant", "by_value"}); }

struct HeatmapOptions {
  Colormap colormap = Colormap::viridis;
  MapScale scale = MapScale::min_max;
  MapDirection direction = MapDirection::value;
  Blend blend = Blend::constant;
  double heat = 0.45;   // weight of the colours
  double image = 0.55;  // weight of the radiograph under Blend::constant; both together at most 1
};

struct Heatmap {
  Image<std::uint8_t> picture;  // RGB, the size of the radiograph
  std::string formula;          // what the colours are, to be printed beside the picture
  double low = 0, high = 0;     // smallest and largest weight of the grid before scaling
};

}  // namespace mgca

namespace mgca::viz {

// Bilinear with aligned corners: the corner cells lie on the corner pixels. size.channels must be the grid's.
[[nodiscard]] inline Image<float> upsample(Plane<const float> grid, ImageSize size) {
  MGCA_CHECK(grid.height > 0 && grid.width > 0 && grid.channels > 0 &&
                 grid.pixels.size() == static_cast<std::size_t>(grid.height * grid.width * grid.channels),
             "upsample: expected a filled grid, got ", grid.height, " x ", grid.width, " over ", grid.pixels.size(),
             " values");
  MGCA_CHECK(size.channels == grid.channels, "upsample: ", grid.channels, " channels cannot become ", size.channels);
  Image<float> result(size);
  const auto place = [](std::int64_t at, std::int64_t to, std::int64_t from) {
    return to > 1 ? static_cast<double>(at) * static_cast<double>(from - 1) / static_cast<double>(to - 1) : 0.0;
  };
  for (std::int64_t y = 0; y < size.height; ++y) {
    const double v = place(y, size.height, grid.height);
    const auto top = static_cast<std::int64_t>(v), bottom = std::min(top + 1, grid.height - 1);
    for (std::int64_t x = 0; x < size.width; ++x) {
      const double u = place(x, size.width, grid.width);
      const auto left = static_cast<std::int64_t>(u), right = std::min(left + 1, grid.width - 1);
      const double dy = v - static_cast<double>(top), dx = u - static_cast<double>(left);
      for (std::int64_t c = 0; c < size.channels; ++c) {
        const double above = grid.at(top, left, c) * (1 - dx) + grid.at(top, right, c) * dx;
        const double below = grid.at(bottom, left, c) * (1 - dx) + grid.at(bottom, right, c) * dx;
        result.at(y, x, c) = static_cast<float>(above * (1 - dy) + below * dy);
      }
    }
  }
  return result;
}

// As text, "value = (a - min a) / (max a - min a)".
[[nodiscard]] inline std::string formula(MapScale scale, MapDirection direction = MapDirection::value) {
  constexpr std::array<std::string_view, 3> scaled{"(a − min a) / (max a − min a)", "a / max a", "a"};
  const auto text = std::string(scaled[static_cast<std::size_t>(scale)]);
  return "colour = " + (direction == MapDirection::value ? text : "1 − " + text);
}

// The weights in [0, 1], in place. A map without contrast becomes 0 under min_max.
// Throws Error(argument) for values that are not finite, negative ones under by_max, values outside [0, 1] under raw.
inline void normalise(Plane<float> map, MapScale scale) {
  MGCA_CHECK(!map.pixels.empty(), "heatmap: the map is empty");
  for (const float value : map.pixels) MGCA_CHECK(std::isfinite(value), "heatmap: a weight is not finite");
  const auto [low_at, high_at] = std::minmax_element(map.pixels.begin(), map.pixels.end());
  const double low = *low_at, high = *high_at;
  MGCA_CHECK(scale != MapScale::by_max || low >= 0, "heatmap: by_max needs weights of 0 or more, the smallest is ",
             low);
  MGCA_CHECK(scale != MapScale::raw || (low >= 0 && high <= 1), "heatmap: raw needs weights in [0, 1], got ", low,
             " to ", high);
  if (scale == MapScale::raw) return;
  const double zero = scale == MapScale::min_max ? low : 0.0, width = high - zero;
  for (float& value : map.pixels)
    value = width > 0 ? static_cast<float>(std::clamp((value - zero) / width, 0.0, 1.0)) : 0.0F;
}

// grid: attention weights, a row per row of patches. backdrop: grey or RGB radiograph.
[[nodiscard]] inline Heatmap heatmap(Plane<const float> grid, Plane<const std::uint8_t> backdrop,
                                     const HeatmapOptions& options = {}) {
  MGCA_CHECK(grid.channels == 1, "heatmap: expected one weight per cell, got ", grid.channels);
  MGCA_CHECK(backdrop.height > 0 && backdrop.width > 0 && (backdrop.channels == 1 || backdrop.channels == 3),
             "heatmap: expected a grey or RGB backdrop, got ", backdrop.height, " x ", backdrop.width, " x ",
             backdrop.channels);
  const bool by_value = options.blend == Blend::by_value;
  MGCA_CHECK(options.heat >= 0 && options.image >= 0 && options.heat + (by_value ? 0 : options.image) <= 1 + 1e-9,
             "heatmap: expected parts of heat and image that add to 1 at most, got ", options.heat, " and ",
             options.image);
  MGCA_CHECK(!grid.pixels.empty(), "heatmap: the grid is empty");
  const auto [low, high] = std::minmax_element(grid.pixels.begin(), grid.pixels.end());
  Heatmap result{.picture = {}, .formula = formula(options.scale, options.direction), .low = *low, .high = *high};
  if (by_value) result.formula += ", opacity rises with it";
  if (options.scale == MapScale::min_max && *low == *high) result.formula += " (all weights equal)";

  Image<float> scaled({.height = grid.height, .width = grid.width});
  std::copy(grid.pixels.begin(), grid.pixels.end(), scaled.pixels().begin());
  normalise(scaled.plane(), options.scale);
  const auto values = upsample(scaled.plane(), {.height = backdrop.height, .width = backdrop.width});
  const auto table = color_table(options.colormap);
  result.picture = Image<std::uint8_t>({.height = backdrop.height, .width = backdrop.width, .channels = 3});
  for (std::int64_t y = 0; y < backdrop.height; ++y) {
    for (std::int64_t x = 0; x < backdrop.width; ++x) {
      const double value = options.direction == MapDirection::value ? values.at(y, x) : 1 - values.at(y, x);
      const auto color = table[detail::level(255 * value)];
      const std::array<std::uint8_t, 3> parts{color.r, color.g, color.b};
      const double heat = by_value ? options.heat * value : options.heat, image = by_value ? 1 - heat : options.image;
      for (std::int64_t c = 0; c < 3; ++c) {
        const double grey = backdrop.at(y, x, backdrop.channels == 1 ? 0 : c);
        result.picture.at(y, x, c) = detail::level(heat * parts[static_cast<std::size_t>(c)] + image * grey);
      }
    }
  }
  return result;
}

}  // namespace mgca::viz

// Resampling with stated semantics: pixels equal to OpenCV's INTER_AREA and INTER_LINEAR on 8-bit images.
// The published models were trained on images reduced by INTER_AREA; a different resampler is a different input.
// Reference: OpenCV 4.x, modules/imgproc, documented behaviour checked against golden images.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/image/detail/area.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mgca::image {

enum class Filter : std::uint8_t { area, bilinear };
constexpr auto names_of(Filter) { return std::to_array<std::string_view>({"area", "bilinear"}); }

struct ResizeOptions {
  std::int64_t height = 256;
  std::int64_t width = 256;
  Filter filter = Filter::area;
};

namespace detail {

// Two neighbours and their weights in 11-bit fixed point.
struct Neighbours {
  std::int64_t first, second;
  int a, b;
};

[[nodiscard]] inline int fixed_point(float weight) { return static_cast<int>(std::nearbyint(weight * 2048.0F)); }

// Where each target pixel falls between two source pixels. Bilinear aligns pixel centres; area, when it enlarges, aligns
// pixel edges.
inline std::vector<Neighbours> neighbours(std::int64_t source, std::int64_t target, Filter filter) {
  const double inverse = static_cast<double>(target) / static_cast<double>(source);
  const double scale = 1.0 / inverse;  // the reference's two roundings decide where exact multiples fall
  std::vector<Neighbours> all;
  for (std::int64_t to = 0; to < target; ++to) {
    std::int64_t first = 0;
    float part = 0;
    if (filter == Filter::area) {
      first = static_cast<std::int64_t>(std::floor(static_cast<double>(to) * scale));
      part = static_cast<float>(static_cast<double>(to + 1) - static_cast<double>(first + 1) * inverse);
      part = part <= 0 ? 0.0F : part - std::floor(part);
    } else {
      part = static_cast<float>((static_cast<double>(to) + 0.5) * scale - 0.5);
      first = static_cast<std::int64_t>(std::floor(part));
      part -= static_cast<float>(first);
    }
    all.push_back({first, first + 1, fixed_point(1.0F - part), fixed_point(part)});
  }
  return all;
}

inline GreyImage bilinear(const Plane<const std::uint8_t>& in, const ResizeOptions& o) {
  GreyImage out({.height = o.height, .width = o.width});
  auto columns = neighbours(in.width, o.width, o.filter), rows = neighbours(in.height, o.height, o.filter);
  // At the border a column takes its one neighbour whole; a row keeps both weights on the same line, and both products
  // are truncated, which can make one grey level of difference.
  for (auto& c : columns) {
    if (c.first < 0 || c.first >= in.width - 1) c = {c.first < 0 ? 0 : in.width - 1, c.first < 0 ? 0 : in.width - 1, 2048, 0};
  }
  for (auto& r : rows) {
    r.first = std::clamp<std::int64_t>(r.first, 0, in.height - 1);
    r.second = std::clamp<std::int64_t>(r.second, 0, in.height - 1);
  }
  const auto across = [&](std::int64_t y, const Neighbours& n) { return in.at(y, n.first) * n.a + in.at(y, n.second) * n.b; };
  for (std::size_t y = 0; y < rows.size(); ++y) {
    auto line = out.plane().row(static_cast<std::int64_t>(y));
    for (std::size_t x = 0; x < columns.size(); ++x) {
      const int top = across(rows[y].first, columns[x]), bottom = across(rows[y].second, columns[x]);
      line[x] = static_cast<std::uint8_t>((((rows[y].a * (top >> 4)) >> 16) + ((rows[y].b * (bottom >> 4)) >> 16) + 2) >> 2);
    }
  }
  return out;
}

}  // namespace detail

// A mask or map of single precision, by area averages: soft edges. Throws Error(argument) where a side would grow.
[[nodiscard]] inline Image<float> resize_area(const Plane<const float>& in, const ImageSize& size) {
  MGCA_CHECK(in.channels == 1 && size.height > 0 && size.width > 0 && in.height >= size.height && in.width >= size.width,
             "resize_area: expected one channel to be reduced, got ", in.height, " x ", in.width, " x ", in.channels, " to ", size.height,
             " x ", size.width);
  return detail::area_by_pixel(in, size);
}

// One channel. Filter::area averages when reducing both sides; when it would enlarge one it interpolates, as in OpenCV.
[[nodiscard]] inline GreyImage resize(const Plane<const std::uint8_t>& in, const ResizeOptions& options) {
  MGCA_CHECK(in.channels == 1 && in.height > 0 && in.width > 0, "resize: expected one channel of at least 1 x 1 pixels, got ", in.height,
             " x ", in.width, " x ", in.channels);
  MGCA_CHECK(options.height > 0 && options.width > 0, "resize: expected a positive size, got ", options.height, " x ", options.width);
  const bool reduces = in.height >= options.height && in.width >= options.width;
  return options.filter == Filter::area && reduces ? detail::area(in, {.height = options.height, .width = options.width})
                                                   : detail::bilinear(in, options);
}

// The size of an image whose longer side becomes `target`. The product is truncated, as published: a square 389 x 389 image
// becomes 256 x 255, because 389 * (256 / 389) is a little less than 256.
[[nodiscard]] inline ImageSize fitted_size(const ImageSize& size, std::int64_t target) {
  MGCA_CHECK(size.height > 0 && size.width > 0 && target > 0, "fitted_size: expected positive sides");
  const auto t = static_cast<double>(target);
  const auto shorter = [&](std::int64_t side, std::int64_t longer) {
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(side) * (t / static_cast<double>(longer))));
  };
  if (size.height >= size.width) return {.height = target, .width = shorter(size.width, size.height)};
  return {.height = shorter(size.height, size.width), .width = target};
}

}  // namespace mgca::image

// Closed outlines drawn by annotators: their bounds and the pixels inside.
#pragma once

#include <mgca/core/box.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/image/mask.hpp>
#include <mgca/image/rle.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace mgca::image {

struct Point {
  double x = 0, y = 0;  // pixels of the image, from its upper left corner
  friend bool operator==(const Point&, const Point&) = default;
};

// The smallest box around points: of a polygon, and of a rectangle or an ellipse given by two opposite corners. Throws Error(argument)
// without any.
[[nodiscard]] inline Box bounds_of(std::span<const Point> points) {
  MGCA_CHECK(!points.empty(), "bounds: expected at least one point");
  Box box{points[0].x, points[0].y, points[0].x, points[0].y};
  for (const auto& p : points) box = {std::min(box.x1, p.x), std::min(box.y1, p.y), std::max(box.x2, p.x), std::max(box.y2, p.y)};
  return box;
}

// The pixels whose centres lie inside; the last point is joined to the first, and what an outline encloses twice is outside. Throws
// Error(argument) for fewer than 3 points, more than 10,000, and points outside the image.
[[nodiscard]] inline RunLengthMask mask_of_polygon(std::span<const Point> points, const ImageSize& size) {
  (void)detail::pixels_of(size);  // checks the size
  MGCA_CHECK(points.size() >= 3 && points.size() <= 10'000, "polygon: expected 3 to 10,000 points, got ", points.size());
  for (const auto& p : points) {
    MGCA_CHECK(p.x >= 0 && p.y >= 0 && p.x <= static_cast<double>(size.width) && p.y <= static_cast<double>(size.height),
               "polygon: point ", p.x, " ", p.y, " is outside of ", size.height, " x ", size.width, " pixels");
  }
  const auto box = bounds_of(points);
  RunLengthMask out{.height = size.height, .width = size.width, .runs = {}};
  std::vector<double> crossings;
  for (auto x = static_cast<std::int64_t>(box.x1); x < std::min(size.width, static_cast<std::int64_t>(std::ceil(box.x2))); ++x) {
    const double centre = static_cast<double>(x) + 0.5;
    crossings.clear();
    for (std::size_t i = 0; i < points.size(); ++i) {
      const auto &a = points[i], &b = points[(i + 1) % points.size()];
      if ((a.x <= centre) != (b.x <= centre)) crossings.push_back(a.y + (centre - a.x) / (b.x - a.x) * (b.y - a.y));
    }
    std::sort(crossings.begin(), crossings.end());
    for (std::size_t i = 0; i + 1 < crossings.size(); i += 2) {
      const auto top = static_cast<std::int64_t>(std::ceil(crossings[i] - 0.5));
      const auto past = static_cast<std::int64_t>(std::ceil(crossings[i + 1] - 0.5));
      if (top < past) out.runs.push_back({x * size.height + top, past - top});
    }
  }
  out.runs = detail::joined(std::move(out.runs));
  return out;
}

}  // namespace mgca::image

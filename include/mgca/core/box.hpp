// An axis-aligned box in pixels: corners (x1, y1) inclusive, (x2, y2) exclusive.
#pragma once

#include <algorithm>

namespace mgca {

struct Box {
  double x1 = 0;
  double y1 = 0;
  double x2 = 0;
  double y2 = 0;

  [[nodiscard]] constexpr double width() const { return x2 - x1; }
  [[nodiscard]] constexpr double height() const { return y2 - y1; }
  [[nodiscard]] constexpr double area() const { return std::max(0.0, width()) * std::max(0.0, height()); }
  [[nodiscard]] constexpr Box scaled(double horizontal, double vertical) const {
    return {x1 * horizontal, y1 * vertical, x2 * horizontal, y2 * vertical};
  }
  friend constexpr bool operator==(const Box&, const Box&) = default;
};

struct CornerSize {  // as annotation tables write it
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
};

[[nodiscard]] constexpr Box box_of(const CornerSize& b) { return {b.x, b.y, b.x + b.width, b.y + b.height}; }

struct CentreSize {  // as detectors predict it
  double cx = 0;
  double cy = 0;
  double width = 0;
  double height = 0;
};

[[nodiscard]] constexpr Box box_of(const CentreSize& b) {
  return {b.cx - b.width / 2, b.cy - b.height / 2, b.cx + b.width / 2, b.cy + b.height / 2};
}
[[nodiscard]] constexpr CentreSize centre_of(const Box& b) {
  return {(b.x1 + b.x2) / 2, (b.y1 + b.y2) / 2, b.width(), b.height()};
}

// Intersection over union; 0 when both boxes are empty.
[[nodiscard]] constexpr double iou(const Box& a, const Box& b) {
  const Box common{std::max(a.x1, b.x1), std::max(a.y1, b.y1), std::min(a.x2, b.x2), std::min(a.y2, b.y2)};
  const double shared = common.area();
  const double joined = a.area() + b.area() - shared;
  return joined > 0 ? shared / joined : 0.0;
}

}  // namespace mgca

// How well a map of an image shows where a phrase is: against the boxes a reader drew for it.
// References: Zhang et al., "Top-down Neural Attention by Excitation Backprop", 2016 (pointing game); Boecking et al., "Making the Most
// of Text Semantics", ECCV 2022 (MS-CXR: contrast-to-noise ratio, mean IoU over thresholds).
#pragma once

#include <mgca/core/box.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace mgca {

// Of one image and phrase.
struct Grounding {
  bool hit = false;            // the pointing game: the highest pixel lies in a box; with several, the first in reading order
  std::optional<double> contrast;  // |mean inside - mean outside| / sqrt(variance inside + variance outside); nothing where one side is empty
  std::vector<double> iou;     // at each threshold, of the pixels at or above it with the boxes
  std::vector<double> dice;
  double box_share = 0;        // the part of the image the boxes cover: chance for the pointing game

  [[nodiscard]] double mean_iou() const { return mean(iou); }
  [[nodiscard]] double mean_dice() const { return mean(dice); }

 private:
  static double mean(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return values.empty() ? 0 : sum / static_cast<double>(values.size());
  }
};

}  // namespace mgca

namespace mgca::metrics {

// MS-CXR's thresholds, on a map of cosines.
[[nodiscard]] inline const std::vector<double>& grounding_thresholds() {
  static const std::vector<double> usual{0.1, 0.2, 0.3, 0.4, 0.5};
  return usual;
}

// Does a box hold the centre of a pixel?
[[nodiscard]] inline bool holds_pixel(std::span<const Box> boxes, const ImageSize& size) {
  const auto within = [](double low, double high, std::int64_t side) {
    const double first = std::max(0.0, std::ceil(low - 0.5));  // the first centre not below
    return first + 0.5 < high && first < static_cast<double>(side);
  };
  return std::any_of(boxes.begin(), boxes.end(), [&](const Box& b) { return within(b.x1, b.x2, size.width) && within(b.y1, b.y2, size.height); });
}

// `map` has the size of the image whose pixels the boxes count; a pixel lies in a box if its centre does. The contrast is infinite for a
// map that is constant on both sides and differs, 0 for one that is constant. Throws Error(argument) for a map that is no image of
// one channel or holds a NaN, for no box, and for boxes that hold no pixel.
[[nodiscard]] inline Grounding grounding(Plane<const float> map, std::span<const Box> boxes, std::span<const double> thresholds = grounding_thresholds()) {
  MGCA_CHECK(map.channels == 1 && map.height > 0 && map.width > 0 && map.pixels.size() == static_cast<std::size_t>(map.height * map.width),
             "grounding: expected a map of one channel, got ", map.height, " x ", map.width, " x ", map.channels, " over ", map.pixels.size(), " values");
  MGCA_CHECK(!boxes.empty(), "grounding: a phrase without a box has no place to be found; leave it out");
  struct Side {
    double count = 0, sum = 0, squares = 0;
    [[nodiscard]] double mean() const { return sum / count; }
    [[nodiscard]] double variance() const { return std::max(0.0, squares / count - mean() * mean()); }
  } inside, outside;
  std::vector<double> found(thresholds.size()), right(thresholds.size());  // pixels at or above each threshold, and those in a box
  Grounding out;
  float highest = -std::numeric_limits<float>::infinity();
  // Sums are of differences from one pixel, so that a map far from 0 keeps its digits.
  const double origin = map.pixels[0];
  for (std::int64_t y = 0; y < map.height; ++y) {
    for (std::int64_t x = 0; x < map.width; ++x) {
      const float value = map.at(y, x);
      MGCA_CHECK(!std::isnan(value), "grounding: the map is NaN at row ", y, ", column ", x);
      const double cx = static_cast<double>(x) + 0.5, cy = static_cast<double>(y) + 0.5;
      const bool in = std::any_of(boxes.begin(), boxes.end(), [&](const Box& b) { return cx >= b.x1 && cx < b.x2 && cy >= b.y1 && cy < b.y2; });
      auto& side = in ? inside : outside;
      const double offset = value - origin;
      side.count += 1;
      side.sum += offset;
      side.squares += offset * offset;
      if (value > highest) {
        highest = value;
        out.hit = in;
      }
      for (std::size_t t = 0; t < thresholds.size(); ++t) {
        if (value < thresholds[t]) continue;
        found[t] += 1;
        right[t] += in ? 1 : 0;
      }
    }
  }
  MGCA_CHECK(inside.count > 0, "grounding: the boxes hold no pixel of the ", map.height, " x ", map.width, " map; are they in its pixels?");
  out.box_share = inside.count / (inside.count + outside.count);
  if (outside.count > 0) {
    const double difference = std::abs(inside.mean() - outside.mean()), noise = std::sqrt(inside.variance() + outside.variance());
    out.contrast = difference == 0 ? 0.0 : difference / noise;
  }
  for (std::size_t t = 0; t < thresholds.size(); ++t) {
    out.iou.push_back(right[t] / (inside.count + found[t] - right[t]));
    out.dice.push_back(2 * right[t] / (inside.count + found[t]));
  }
  return out;
}

}  // namespace mgca::metrics

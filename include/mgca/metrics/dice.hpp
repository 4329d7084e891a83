// How well a mask covers another: Dice, intersection over union, and the distance between their outlines.
// Overlap alone hides a stray pixel far away; the distance alone hides a mask of half the size. Per image, so that intervals
// can be made (bootstrap.hpp).
// References: Dice 1945; Huttenlocher et al. 1993 (Hausdorff distance); Felzenszwalb and Huttenlocher 2012 (distance transform in
// linear time). Official code: an image without marked pixels counts 1 or 0.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/metrics/bootstrap.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace mgca {

// What is not 0 is marked; all of one size. `ignored` may be empty: pixels nobody decided, which count nowhere.
struct MaskPair {
  Plane<const std::uint8_t> predicted, truth, ignored = {};
};

// Distance between neighbouring pixels, in pixels or millimetres.
struct PixelSpacing {
  double down = 1, across = 1;
};

struct MaskScore {
  double dice = 0;                                  // 2 |P & T| / (|P| + |T|); of an empty truth 1 if nothing is predicted, else 0
  double iou = 0;                                   // |P & T| / |P or T|, with the same rule
  std::optional<double> hausdorff95 = {};           // nothing where one of the two is empty
  std::int64_t predicted = 0, truth = 0, both = 0;  // pixels
};

// Means over images, with intervals.
struct MaskSummary {
  Interval dice, iou;
  Interval hausdorff95;               // over the images where both masks have pixels
  std::int64_t without_distance = 0;  // the others
};

}  // namespace mgca

namespace mgca::metrics {
namespace detail {

// Squared distance to the nearest site along a line: the lower envelope of the parabolas step^2 (x - q)^2 + value[q], in place.
class Envelope {
 public:
  void replace(std::vector<double>& value, double step) {
    const auto n = static_cast<std::int64_t>(value.size());
    const double weight = step * step;
    at_.clear(), from_.clear(), kept_.clear();
    for (std::int64_t q = 0; q < n; ++q) {
      const double own = value[static_cast<std::size_t>(q)];
      if (std::isinf(own)) continue;
      double begin = -std::numeric_limits<double>::infinity();
      while (!at_.empty()) {
        const auto p = static_cast<double>(at_.back()), r = static_cast<double>(q);
        begin = ((own - kept_.back()) / weight + (r * r - p * p)) / (2 * (r - p));
        if (begin > from_.back()) break;
        at_.pop_back(), from_.pop_back(), kept_.pop_back();
        begin = -std::numeric_limits<double>::infinity();
      }
      at_.push_back(q), from_.push_back(begin), kept_.push_back(own);
    }
    if (at_.empty()) return;
    for (std::size_t k = 0, x = 0; x < value.size(); ++x) {
      while (k + 1 < at_.size() && from_[k + 1] < static_cast<double>(x)) ++k;
      const auto away = static_cast<double>(x) - static_cast<double>(at_[k]);
      value[x] = weight * away * away + kept_[k];
    }
  }

 private:
  std::vector<std::int64_t> at_;     // where the parabolas of the envelope stand,
  std::vector<double> from_, kept_;  // from where on each is the lowest, and its height
};

inline void check_masks(const MaskPair& m) {
  const auto fits = [&](const Plane<const std::uint8_t>& p) {
    return p.height == m.truth.height && p.width == m.truth.width && p.channels == 1 &&
           p.pixels.size() == static_cast<std::size_t>(m.truth.height * m.truth.width);
  };
  MGCA_CHECK(m.truth.height > 0 && m.truth.width > 0 && fits(m.truth) && fits(m.predicted),
             "mask_score: expected two masks of one size and one channel, got ", m.predicted.height, " x ", m.predicted.width, " x ",
             m.predicted.channels, " predicted and ", m.truth.height, " x ", m.truth.width, " x ", m.truth.channels);
  MGCA_CHECK(m.ignored.pixels.empty() || fits(m.ignored), "mask_score: the ignored pixels are ", m.ignored.height, " x ", m.ignored.width,
             ", the masks ", m.truth.height, " x ", m.truth.width);
}

// Marked pixels beside a known unmarked one or on the picture's border. Where two masks meet an ignored pixel is no outline.
inline std::vector<std::uint8_t> outline(const Plane<const std::uint8_t>& mask, const Plane<const std::uint8_t>& ignored) {
  const auto H = mask.height, W = mask.width;
  const auto skipped = [&](std::int64_t y, std::int64_t x) { return !ignored.pixels.empty() && ignored.at(y, x) != 0; };
  const auto outside = [&](std::int64_t y, std::int64_t x) {
    return y < 0 || x < 0 || y >= H || x >= W || (mask.at(y, x) == 0 && !skipped(y, x));
  };
  std::vector<std::uint8_t> edge(mask.pixels.size());
  for (std::int64_t y = 0; y < H; ++y) {
    for (std::int64_t x = 0; x < W; ++x) {
      if (mask.at(y, x) == 0 || skipped(y, x)) continue;
      edge[static_cast<std::size_t>(y * W + x)] = outside(y - 1, x) || outside(y + 1, x) || outside(y, x - 1) || outside(y, x + 1) ? 1 : 0;
    }
  }
  return edge;
}

// Between neighbours linearly; not empty.
inline double quantile95(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const double place = 0.95 * static_cast<double>(values.size() - 1);
  const auto left = static_cast<std::size_t>(place);
  const auto right = std::min(left + 1, values.size() - 1);
  return values[left] + (place - static_cast<double>(left)) * (values[right] - values[left]);
}

}  // namespace detail

// The squared Euclidean distance of every pixel to the nearest site (not 0), exact, in time linear in the pixels; infinity everywhere
// where there is no site. Throws Error(argument) for a spacing that is not positive.
[[nodiscard]] inline Image<double> squared_distances(const Plane<const std::uint8_t>& sites, const PixelSpacing& spacing = {}) {
  MGCA_CHECK(spacing.down > 0 && spacing.across > 0 && std::isfinite(spacing.down) && std::isfinite(spacing.across),
             "squared_distances: expected a positive spacing, got ", spacing.down, " and ", spacing.across);
  MGCA_CHECK(sites.channels == 1, "squared_distances: expected one channel, got ", sites.channels);
  Image<double> out({.height = sites.height, .width = sites.width}, std::numeric_limits<double>::infinity());
  detail::Envelope envelope;
  std::vector<double> line(static_cast<std::size_t>(sites.height));
  for (std::int64_t x = 0; x < sites.width; ++x) {
    for (std::int64_t y = 0; y < sites.height; ++y)
      line[static_cast<std::size_t>(y)] = sites.at(y, x) != 0 ? 0 : std::numeric_limits<double>::infinity();
    envelope.replace(line, spacing.down);
    for (std::int64_t y = 0; y < sites.height; ++y) out.at(y, x) = line[static_cast<std::size_t>(y)];
  }
  line.resize(static_cast<std::size_t>(sites.width));
  for (std::int64_t y = 0; y < sites.height; ++y) {
    const auto row = out.plane().row(y);
    line.assign(row.begin(), row.end());
    envelope.replace(line, spacing.across);
    std::copy(line.begin(), line.end(), row.begin());
  }
  return out;
}

// The 95th percentile of the distances from the outline of one mask to that of the other, the larger of both ways; nothing where one
// mask has no known pixel.
[[nodiscard]] inline std::optional<double> hausdorff95(const MaskPair& masks, const PixelSpacing& spacing = {}) {
  detail::check_masks(masks);
  const auto predicted = detail::outline(masks.predicted, masks.ignored), truth = detail::outline(masks.truth, masks.ignored);
  const auto plane = [&](const std::vector<std::uint8_t>& edge) {
    return Plane<const std::uint8_t>{.pixels = edge, .height = masks.truth.height, .width = masks.truth.width};
  };
  const auto one_way = [&](const std::vector<std::uint8_t>& from, const std::vector<std::uint8_t>& to) {
    const auto squared = squared_distances(plane(to), spacing);
    std::vector<double> distances;
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i] != 0) distances.push_back(std::sqrt(squared.pixels()[i]));
    }
    return detail::quantile95(std::move(distances));
  };
  const auto any = [](const std::vector<std::uint8_t>& edge) { return std::find(edge.begin(), edge.end(), 1) != edge.end(); };
  if (!any(predicted) || !any(truth)) return std::nullopt;
  return std::max(one_way(predicted, truth), one_way(truth, predicted));
}

// All of it for one image. Throws Error(argument) for masks of two sizes.
[[nodiscard]] inline MaskScore mask_score(const MaskPair& masks, const PixelSpacing& spacing = {}) {
  detail::check_masks(masks);
  MaskScore out;
  for (std::size_t i = 0; i < masks.truth.pixels.size(); ++i) {
    if (!masks.ignored.pixels.empty() && masks.ignored.pixels[i] != 0) continue;
    const bool p = masks.predicted.pixels[i] != 0, t = masks.truth.pixels[i] != 0;
    out.predicted += p ? 1 : 0, out.truth += t ? 1 : 0, out.both += p && t ? 1 : 0;
  }
  const auto ratio = [](std::int64_t part, std::int64_t whole) { return static_cast<double>(part) / static_cast<double>(whole); };
  if (out.truth == 0) {
    out.dice = out.iou = out.predicted == 0 ? 1 : 0;
  } else {
    out.dice = ratio(2 * out.both, out.predicted + out.truth);
    out.iou = ratio(out.both, out.predicted + out.truth - out.both);
  }
  out.hausdorff95 = hausdorff95(masks, spacing);
  return out;
}

// All three means on the same resamples. Throws Error(argument) for no images.
[[nodiscard]] inline MaskSummary mask_summary(std::span<const MaskScore> scores, const BootstrapOptions& options = {}) {
  MaskSummary out;
  for (const auto& score : scores) out.without_distance += score.hausdorff95 ? 0 : 1;
  const auto means = [&](const Resample& resample) {
    std::array<double, 3> sums{};
    double images = 0, distances = 0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const double times = resample.times[i];
      images += times, sums[0] += times * scores[i].dice, sums[1] += times * scores[i].iou;
      if (scores[i].hausdorff95) distances += times, sums[2] += times * *scores[i].hausdorff95;
    }
    const auto mean = [](double sum, double count) { return count > 0 ? std::optional(sum / count) : std::nullopt; };
    return std::vector<std::optional<double>>{mean(sums[0], images), mean(sums[1], images), mean(sums[2], distances)};
  };
  const auto intervals = bootstrap(static_cast<std::int64_t>(scores.size()), means, options);
  out.dice = intervals[0], out.iou = intervals[1], out.hausdorff95 = intervals[2];
  return out;
}

}  // namespace mgca::metrics

// What a detector found, and greedy non-maximum suppression: of boxes that overlap much, only the surest stays.
// What stays is what comparing every pair would keep; only boxes near each other are compared.
#pragma once

#include <mgca/core/box.hpp>
#include <mgca/core/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <span>
#include <vector>

namespace mgca {

struct Detection {
  Box box;
  double score = 0;
  std::int64_t label = 0;
};

struct SuppressionOptions {
  double threshold = 0.5;  // a box goes whose IoU with a surer one of its label is this or more; in (0, 1]
  double pixel = 1;        // added to every side before areas are taken: 1 where corners name pixels, 0 where they name edges
};

namespace detail {

// Equal parts of the stretch over which `place` puts the boxes.
struct EqualParts {
  double first = 0, per_unit = 0;
  std::uint32_t count = 1;

  template <class Place>
  EqualParts(const std::vector<Box>& boxes, std::uint32_t wanted, const Place& place) {
    const auto [low, high] = std::minmax_element(boxes.begin(), boxes.end(), [&](const Box& l, const Box& r) { return place(l) < place(r); });
    first = place(*low);
    if (place(*high) > first) count = wanted, per_unit = wanted / (place(*high) - first);
  }
  [[nodiscard]] std::uint32_t operator()(double at) const {
    return static_cast<std::uint32_t>(std::max(0.0, std::min(static_cast<double>(count - 1), (at - first) * per_unit)));
  }
};

// Boxes on a grid by their centres, about one a cell, row after row, so that those near a place are a few runs.
// A run is compared in blocks, without a branch, in floats rounded so that no overlap is missed; where there may be one, the boxes decide.
class Suppression {
 public:
  // `boxes`: the surest first.
  Suppression(const std::vector<Box>& boxes, double threshold)
      : threshold_(threshold), x_(boxes, side(boxes.size()), twice_x), y_(boxes, side(boxes.size()), twice_y), starts_(std::size_t{x_.count} * y_.count + 1) {
    std::vector<std::uint32_t> cells;
    cells.reserve(boxes.size());
    for (const auto& b : boxes) ++starts_[cells.emplace_back(y_(twice_y(b)) * x_.count + x_(twice_x(b)))];
    std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
    place_.resize(boxes.size());
    boxes_.resize(boxes.size() + kBlock);  // the last block may reach beyond the last box
    for (auto* column : {&x1_, &y1_, &x2_, &y2_, &due_}) column->resize(boxes_.size(), kGone);
    for (auto rank = boxes.size(); rank-- > 0;) {
      const auto at = place_[rank] = --starts_[cells[rank]];
      const auto& b = boxes_[at] = boxes[rank];
      x1_[at] = rounded_down(b.x1);
      y1_[at] = rounded_down(b.y1);
      x2_[at] = -rounded_down(-b.x2);
      y2_[at] = -rounded_down(-b.y2);
      due_[at] = static_cast<float>(b.area() * threshold / (1 + threshold) * (1 - 0x1p-20) - 1e-37);
    }
  }

  // Whether the box of this rank stays; to be asked for each rank in turn.
  [[nodiscard]] bool stays(std::size_t rank) {
    const auto at = place_[rank];
    if (x1_[at] == kGone) return false;
    suppress_around(at);
    return true;
  }

 private:
  static constexpr float kGone = 1e30F;  // as the left side: beyond all boxes, so that the box overlaps none
  static constexpr std::size_t kBlock = 8;
  static double twice_x(const Box& b) { return b.x1 + b.x2; }
  static double twice_y(const Box& b) { return b.y1 + b.y2; }
  static std::uint32_t side(std::size_t count) { return static_cast<std::uint32_t>(std::sqrt(static_cast<double>(count))) + 1; }
  static float rounded_down(double x) { return static_cast<float>(x - std::abs(x) * 0x1p-23 - 1e-37); }

  // An IoU of t needs widths whose ratio is t at least and centres no further apart than (a + b) / 2 * (1 - t) / (1 + t), thus no further
  // than a / 2 * (1 / t - 1); heights alike. Of areas A and B it needs t / (1 + t) * (A + B) in common: each box's part is its due.
  void suppress_around(std::uint32_t at) {
    const auto box = boxes_[at];
    const float x1 = x1_[at], y1 = y1_[at], x2 = x2_[at], y2 = y2_[at], due = due_[at];
    x1_[at] = kGone;  // its turn has been
    const auto reach = [&](double extent, double twice) { return extent * (1 / threshold_ - 1) + 1e-9 * (1 + std::abs(twice) + extent / threshold_); };
    const double cx = twice_x(box), cy = twice_y(box), dx = reach(box.width(), cx), dy = reach(box.height(), cy);
    const auto left = x_(cx - dx), right = x_(cx + dx) + 1, last = y_(cy + dy);
    for (auto row = y_(cy - dy); row <= last; ++row) {
      const auto* start = &starts_[std::size_t{row} * x_.count];
      for (std::size_t block = start[left]; block < start[right]; block += kBlock) {
        int any = 0;
        for (auto i = block; i < block + kBlock; ++i) {
          const float width = std::max(0.0F, std::min(x2, x2_[i]) - std::max(x1, x1_[i])), height = std::min(y2, y2_[i]) - std::max(y1, y1_[i]);
          any |= width * height >= due + due_[i] ? 1 : 0;
        }
        if (any == 0) continue;
        for (auto i = block; i < block + kBlock; ++i) {
          if (iou(box, boxes_[i]) >= threshold_) x1_[i] = kGone;
        }
      }
    }
  }

  double threshold_;
  EqualParts x_, y_;
  std::vector<std::uint32_t> starts_;  // where each cell begins, one more than there are cells
  std::vector<std::uint32_t> place_;   // of each rank in what follows
  std::vector<Box> boxes_;
  std::vector<float> x1_, y1_, x2_, y2_, due_;
};

}  // namespace detail

// Positions of the boxes that stay: label after label, surest first; of equal scores the earlier. Boxes without width or height overlap none.
// Throws Error(argument) for a threshold outside its range, naming the position for corners that lie further out than 1e15 and for a score that is not finite.
[[nodiscard]] inline std::vector<std::int64_t> non_maximum_suppression(std::span<const Detection> found, const SuppressionOptions& options = {}) {
  MGCA_CHECK(options.threshold > 0 && options.threshold <= 1, "suppression: expected a threshold above 0 and up to 1, got ", options.threshold);
  struct Scored {
    double score;
    std::size_t index;
  };
  std::map<std::int64_t, std::vector<Scored>> by_label;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto& [box, score, label] = found[i];
    const bool sane = std::abs(box.x1) + std::abs(box.y1) + std::abs(box.x2) + std::abs(box.y2) <= 1e15 && std::isfinite(score);
    MGCA_CHECK(sane, "suppression: detection ", i, " has the box (", box.x1, ", ", box.y1, ", ", box.x2, ", ", box.y2, ") and the score ", score,
               "; a detector that diverged finds nothing");
    by_label[label].push_back({score, i});
  }
  std::vector<std::int64_t> kept;
  kept.reserve(found.size());
  for (auto& [label, order] : by_label) {
    std::sort(order.begin(), order.end(), [](const Scored& l, const Scored& r) { return l.score != r.score ? l.score > r.score : l.index < r.index; });
    std::vector<Box> boxes;
    boxes.reserve(order.size());
    for (const auto& one : order) {
      const auto& b = found[one.index].box;
      boxes.push_back({b.x1, b.y1, b.x2 + options.pixel, b.y2 + options.pixel});
    }
    detail::Suppression suppression(boxes, options.threshold);
    for (std::size_t rank = 0; rank < order.size(); ++rank) {
      if (suppression.stays(rank)) kept.push_back(static_cast<std::int64_t>(order[rank].index));
    }
  }
  return kept;
}

}  // namespace mgca

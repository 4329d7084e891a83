// What a detector found, and greedy non-maximum suppression: of boxes that overlap much, only the surest stays.
// A kept box is compared with boxes of nearly its width and place alone: an IoU of t needs widths a and b whose ratio is t at least
// and centres no further apart than (a + b) / 2 * (1 - t) / (1 + t), so that other boxes cost nothing.
#pragma once

#include <mgca/core/box.hpp>
#include <mgca/core/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
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

// Boxes of one label, grouped by the power of two below their width, each group left to right by the boxes' centres.
// Groups hold their numbers in columns, so that one box is compared with a run of others without a branch.
class Suppression {
 public:
  Suppression(const std::vector<Box>& ranked, const SuppressionOptions& options) : options_(options), place_(ranked.size(), kNowhere) {
    std::vector<Key> keys;
    keys.reserve(ranked.size());
    for (std::size_t rank = 0; rank < ranked.size(); ++rank) {
      const auto& b = ranked[rank];
      const double width = b.width() + options.pixel, height = b.height() + options.pixel;
      if (width > 0 && height > 0) keys.push_back({std::ilogb(width), (b.x1 + b.x2) / 2, rank});  // others overlap nothing
    }
    std::sort(keys.begin(), keys.end(), [](const Key& l, const Key& r) { return l.power != r.power ? l.power < r.power : l.centre < r.centre; });
    for (auto* column : {&x1_, &y1_, &x2_, &y2_, &area_, &centre_}) column->reserve(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto& [power, centre, rank] = keys[i];
      const auto& b = ranked[rank];
      place_[rank] = i;
      x1_.push_back(b.x1);
      y1_.push_back(b.y1);
      x2_.push_back(b.x2 + options.pixel);
      y2_.push_back(b.y2 + options.pixel);
      area_.push_back((x2_.back() - b.x1) * (y2_.back() - b.y1));
      centre_.push_back(centre);
      if (i == 0 || keys[i - 1].power != power) groups_.push_back({.least = std::ldexp(1.0, power), .most = std::ldexp(1.0, power + 1), .begin = i, .end = i});
      groups_.back().end = i + 1;
    }
    gone_.resize(keys.size(), 0);
    for (auto& group : groups_) divide(group);
  }

  // The ranks of those that stay, in order.
  [[nodiscard]] std::vector<std::size_t> run() {
    std::vector<std::size_t> kept;
    for (std::size_t rank = 0; rank < place_.size(); ++rank) {
      const auto at = place_[rank];
      if (at != kNowhere && gone_[at] != 0) continue;
      kept.push_back(rank);
      if (at == kNowhere) continue;
      const double width = x2_[at] - x1_[at], t = options_.threshold;
      for (const auto& group : groups_) {
        if (group.most >= t * width && group.least * t <= width) suppress(at, group);
      }
    }
    return kept;
  }

 private:
  static constexpr auto kNowhere = static_cast<std::size_t>(-1);
  struct Key {
    int power;
    double centre;
    std::size_t rank;
  };
  struct Group {
    double least, most;         // width
    std::size_t begin, end;     // in the columns
    double left = 0, bins = 0;  // the first centre, and bins per pixel to the right of it
    std::size_t table = 0;      // in starts_: where each bin begins, one more than there are bins

    [[nodiscard]] std::size_t bin(double centre) const {
      return static_cast<std::size_t>(std::clamp((centre - left) * bins, 0.0, static_cast<double>(end - begin - 1)));
    }
  };

  // As many bins of equal width as the group has boxes, so that those near a place are found at once.
  void divide(Group& group) {
    const auto count = group.end - group.begin;
    group.left = centre_[group.begin];
    const double extent = centre_[group.end - 1] - group.left;
    group.bins = extent > 0 ? static_cast<double>(count) / extent : 0;
    group.table = starts_.size();
    auto i = group.begin;
    for (std::size_t bin = 0; bin <= count; ++bin) {
      while (i < group.end && group.bin(centre_[i]) < bin) ++i;
      starts_.push_back(i);
    }
  }

  // Those of the group that overlap the box `one` too much are gone; so are surer ones and the box itself, whose turn has been.
  void suppress(std::size_t one, const Group& group) {
    const double t = options_.threshold, x1 = x1_[one], y1 = y1_[one], x2 = x2_[one], y2 = y2_[one], area = area_[one], centre = centre_[one];
    const double reach = (x2 - x1 + std::min(group.most, (x2 - x1) / t)) / 2 * (1 - t) / (1 + t) * (1 + 1e-9) + 1e-9;
    const auto begin = starts_[group.table + group.bin(centre - reach)], end = starts_[group.table + group.bin(centre + reach) + 1];
    for (auto i = begin; i < end; ++i) {
      const double width = std::max(0.0, std::min(x2, x2_[i]) - std::max(x1, x1_[i]));
      const double height = std::max(0.0, std::min(y2, y2_[i]) - std::max(y1, y1_[i]));
      const double shared = width * height;
      gone_[i] = shared >= t * (area + area_[i] - shared) ? 1.0 : gone_[i];
    }
  }

  SuppressionOptions options_;
  std::vector<std::size_t> place_;  // of each rank in the columns
  std::vector<double> x1_, y1_, x2_, y2_, area_, centre_;
  std::vector<double> gone_;        // 0 or 1, as wide as the other columns
  std::vector<Group> groups_;
  std::vector<std::size_t> starts_;
};

}  // namespace detail

// Positions of the boxes that stay: label after label, surest first; of equal scores the earlier.
// Throws Error(argument) for a threshold outside its range, naming the position for a box or score that is not finite.
[[nodiscard]] inline std::vector<std::int64_t> non_maximum_suppression(std::span<const Detection> found, const SuppressionOptions& options = {}) {
  MGCA_CHECK(options.threshold > 0 && options.threshold <= 1, "suppression: expected a threshold above 0 and up to 1, got ", options.threshold);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto& [box, score, label] = found[i];
    MGCA_CHECK(std::isfinite(box.x1 + box.y1 + box.x2 + box.y2) && std::isfinite(score), "suppression: detection ", i, " has the box (", box.x1, ", ", box.y1,
               ", ", box.x2, ", ", box.y2, ") and the score ", score, "; a detector that diverged finds nothing");
  }
  struct Scored {
    double score;
    std::size_t index;
  };
  std::map<std::int64_t, std::vector<Scored>> by_label;
  for (std::size_t i = 0; i < found.size(); ++i) by_label[found[i].label].push_back({found[i].score, i});
  std::vector<std::int64_t> kept;
  for (auto& [label, order] : by_label) {
    std::sort(order.begin(), order.end(), [](const Scored& l, const Scored& r) { return l.score != r.score ? l.score > r.score : l.index < r.index; });
    std::vector<Box> ranked;
    ranked.reserve(order.size());
    for (const auto& one : order) ranked.push_back(found[one.index].box);
    for (const auto rank : detail::Suppression(ranked, options).run()) kept.push_back(static_cast<std::int64_t>(order[rank].index));
  }
  return kept;
}

}  // namespace mgca

// How well boxes are found: mean average precision in the two conventions that published numbers follow, and the free-response
// curve that radiologists read. Boxes are matched once; every resample of images is then counted from the same matches.
// References: Lin et al., "Microsoft COCO", ECCV 2014 (pycocotools); torchmetrics 0.8.2, which MGCA used; Chakraborty, "Free-response
// methodology", Medical Physics 1989.
#pragma once

#include <mgca/core/enum.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/suppression.hpp>  // Detection

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace mgca {

// One image: what was found and what is there, of one class, in the same frame.
struct ImageDetections {
  std::vector<Detection> found;
  std::vector<Box> truth;
};

enum class MatchRule : std::uint8_t {
  above,     // IoU above the threshold; recall and its 101 levels in single precision: torchmetrics 0.8.2
  at_least,  // IoU at the threshold or above, all in double precision: pycocotools
};
constexpr auto names_of(MatchRule) { return std::to_array<std::string_view>({"above", "at_least"}); }

enum class CountedImages : std::uint8_t {
  all,
  found_and_true,  // only those with a detection and a truth, as the published code: misses and false alarms elsewhere are not seen
};
constexpr auto names_of(CountedImages) { return std::to_array<std::string_view>({"all", "found_and_true"}); }

struct DetectionScoring {
  std::vector<double> thresholds = {0.40, 0.45, 0.50, 0.55, 0.60, 0.65, 0.70, 0.75};  // of IoU
  MatchRule rule = MatchRule::above;
  CountedImages images = CountedImages::all;
  std::int64_t most = 100;  // detections of an image that count, the surest
};

[[nodiscard]] inline DetectionScoring coco_scoring() {
  return {.thresholds = {0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95}, .rule = MatchRule::at_least};
}

}  // namespace mgca

namespace mgca::metrics {

// The 101 levels of recall at which precision is read.
[[nodiscard]] inline std::vector<double> recall_levels(MatchRule rule) {
  std::vector<double> levels(101);
  for (int i = 0; i <= 100; ++i) {
    constexpr double step = 1.0F / 100.0F;  // torch.linspace counts from the nearer end, each level rounded once
    const auto single = static_cast<float>(i < 50 ? step * i : 1 - step * (100 - i));
    levels[static_cast<std::size_t>(i)] = rule == MatchRule::above ? double{single} : i == 100 ? 1.0 : i * 0.01;
  }
  return levels;
}

// Detections of all images, surest first, matched with the truths at every threshold. `times` says how often each image counts, as
// a bootstrap resample does; empty: once.
class RankedDetections {
 public:
  // Throws Error(argument) for a threshold outside [0, 1) and for boxes or scores that are not finite, naming image and position.
  RankedDetections(std::span<const ImageDetections> images, const DetectionScoring& scoring) : scoring_(scoring), levels_(recall_levels(scoring.rule)) {
    MGCA_CHECK(!scoring.thresholds.empty() && scoring.most > 0, "detection: expected a threshold and 1 detection or more to count, got ",
               scoring.thresholds.size(), " and ", scoring.most);
    for (const auto t : scoring.thresholds) MGCA_CHECK(t >= 0 && t < 1, "detection: expected thresholds of IoU in [0, 1), got ", t);
    for (std::size_t i = 0; i < images.size(); ++i) {
      const bool skipped = scoring.images == CountedImages::found_and_true && (images[i].found.empty() || images[i].truth.empty());
      truths_.push_back(skipped ? 0 : static_cast<std::int64_t>(images[i].truth.size()));
      if (!skipped) match(images[i], i);
    }
    std::vector<std::size_t> order(ranked_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t l, std::size_t r) { return ranked_[l].score > ranked_[r].score; });
    std::vector<Ranked> sorted;
    sorted.reserve(ranked_.size());
    std::vector<std::uint8_t> hits;
    hits.reserve(hits_.size());
    const auto width = static_cast<std::ptrdiff_t>(scoring_.thresholds.size());
    for (const auto i : order) {
      sorted.push_back(ranked_[i]);
      const auto row = hits_.begin() + static_cast<std::ptrdiff_t>(i) * width;
      hits.insert(hits.end(), row, row + width);
    }
    ranked_ = std::move(sorted);
    hits_ = std::move(hits);
  }

  [[nodiscard]] std::int64_t images() const { return static_cast<std::int64_t>(truths_.size()); }

  // Of one threshold. Nothing where no counted image has a truth.
  [[nodiscard]] std::optional<double> average_precision(std::size_t threshold, std::span<const std::uint32_t> times = {}) const {
    MGCA_CHECK(threshold < scoring_.thresholds.size(), "detection: no threshold ", threshold, " of ", scoring_.thresholds.size());
    const auto truths = truths_in(times);
    if (truths == 0) return std::nullopt;
    std::vector<double> recall, precision;
    std::int64_t hit = 0, all = 0;
    for (std::size_t i = 0; i < ranked_.size(); ++i) {
      const auto weight = weight_of(ranked_[i].image, times);
      if (weight == 0) continue;
      all += weight;
      if (!is_hit(i, threshold)) continue;  // recall stays, precision falls: never the best at its recall
      hit += weight;
      recall.push_back(scoring_.rule == MatchRule::above ? double{static_cast<float>(hit) / static_cast<float>(truths)}
                                                         : static_cast<double>(hit) / static_cast<double>(truths));
      precision.push_back(static_cast<double>(hit) / static_cast<double>(all));
    }
    for (std::size_t i = precision.size(); i-- > 1;) precision[i - 1] = std::max(precision[i - 1], precision[i]);
    double sum = 0;
    auto place = recall.begin();
    for (const auto level : levels_) {
      place = std::lower_bound(place, recall.end(), level);
      if (place == recall.end()) break;
      sum += precision[static_cast<std::size_t>(place - recall.begin())];
    }
    return sum / static_cast<double>(levels_.size());
  }

  // The mean over the thresholds.
  [[nodiscard]] std::optional<double> mean_average_precision(std::span<const std::uint32_t> times = {}) const {
    double sum = 0;
    for (std::size_t t = 0; t < scoring_.thresholds.size(); ++t) {
      const auto one = average_precision(t, times);
      if (!one) return std::nullopt;
      sum += *one;
    }
    return sum / static_cast<double>(scoring_.thresholds.size());
  }

  // The largest share of truths found with at most so many false positives per image, at one threshold. Detections of one score are
  // taken or left together. Nothing where there is no truth.
  [[nodiscard]] std::optional<double> sensitivity_at(double false_positives_per_image, std::size_t threshold = 0,
                                                     std::span<const std::uint32_t> times = {}) const {
    const auto truths = truths_in(times);
    if (truths == 0) return std::nullopt;
    std::int64_t images = times.empty() ? this->images() : 0;
    for (const auto t : times) images += t;
    const double allowed = false_positives_per_image * static_cast<double>(images);
    std::int64_t hit = 0, wrong = 0, found = 0;
    for (std::size_t i = 0; i < ranked_.size(); ++i) {
      const auto weight = weight_of(ranked_[i].image, times);
      (is_hit(i, threshold) ? hit : wrong) += weight;
      if (i + 1 < ranked_.size() && ranked_[i + 1].score == ranked_[i].score) continue;
      if (static_cast<double>(wrong) > allowed) break;
      found = hit;
    }
    return static_cast<double>(found) / static_cast<double>(truths);
  }

 private:
  struct Ranked {
    double score;
    std::size_t image;
  };

  [[nodiscard]] bool is_hit(std::size_t detection, std::size_t threshold) const { return hits_[detection * scoring_.thresholds.size() + threshold] != 0; }
  [[nodiscard]] static std::int64_t weight_of(std::size_t image, std::span<const std::uint32_t> times) { return times.empty() ? 1 : times[image]; }
  [[nodiscard]] std::int64_t truths_in(std::span<const std::uint32_t> times) const {
    MGCA_CHECK(times.empty() || times.size() == truths_.size(), "detection: ", times.size(), " weights for ", truths_.size(), " images");
    std::int64_t all = 0;
    for (std::size_t i = 0; i < truths_.size(); ++i) all += truths_[i] * weight_of(i, times);
    return all;
  }

  void match(const ImageDetections& image, std::size_t number) {
    const auto finite = [](const Box& b) { return std::isfinite(b.x1 + b.y1 + b.x2 + b.y2); };
    for (std::size_t i = 0; i < image.found.size(); ++i) {
      MGCA_CHECK(finite(image.found[i].box) && std::isfinite(image.found[i].score), "detection: image ", number, ", detection ", i,
                 " is not finite; a detector that diverged has no metric");
    }
    for (std::size_t i = 0; i < image.truth.size(); ++i) MGCA_CHECK(finite(image.truth[i]), "detection: image ", number, ", true box ", i, " is not finite");
    std::vector<const Detection*> found;
    for (const auto& one : image.found) found.push_back(&one);
    std::stable_sort(found.begin(), found.end(), [](const Detection* l, const Detection* r) { return l->score > r->score; });
    if (found.size() > static_cast<std::size_t>(scoring_.most)) found.resize(static_cast<std::size_t>(scoring_.most));
    std::vector<double> overlaps;
    for (const auto* one : found) {
      for (const auto& truth : image.truth) overlaps.push_back(iou(one->box, truth));
      ranked_.push_back({one->score, number});
    }
    const auto width = scoring_.thresholds.size(), first = hits_.size();
    hits_.resize(first + found.size() * width, 0);
    std::vector<bool> taken;
    for (std::size_t t = 0; t < width; ++t) {
      taken.assign(image.truth.size(), false);
      for (std::size_t d = 0; d < found.size(); ++d) {
        const auto best = best_free(std::span(overlaps).subspan(d * image.truth.size(), image.truth.size()), taken, scoring_.thresholds[t]);
        if (!best) continue;
        taken[*best] = true;
        hits_[first + d * width + t] = 1;
      }
    }
  }

  // The truth of highest IoU among those free that the rule accepts; of equal ones pycocotools takes the last, torchmetrics the first.
  [[nodiscard]] std::optional<std::size_t> best_free(std::span<const double> overlaps, const std::vector<bool>& taken, double threshold) const {
    std::optional<std::size_t> best;
    const bool last = scoring_.rule == MatchRule::at_least;
    for (std::size_t i = 0; i < overlaps.size(); ++i) {
      if (taken[i] || (last ? overlaps[i] < threshold : overlaps[i] <= threshold)) continue;
      if (!best || (last ? overlaps[i] >= overlaps[*best] : overlaps[i] > overlaps[*best])) best = i;
    }
    return best;
  }

  DetectionScoring scoring_;
  std::vector<double> levels_;
  std::vector<std::int64_t> truths_;  // of each image; 0 where it is not counted
  std::vector<Ranked> ranked_;
  std::vector<std::uint8_t> hits_;  // (detections, thresholds)
};

// False positives per image at which the free-response curve is read.
inline constexpr std::array<double, 7> kFalsePositiveRates{1.0 / 8, 1.0 / 4, 1.0 / 2, 1, 2, 4, 8};

// The free-response curve at the usual seven rates, in their order. Made of detections ranked with all images counted.
[[nodiscard]] inline std::vector<std::optional<double>> froc(const RankedDetections& ranked, std::size_t threshold = 0,
                                                             std::span<const std::uint32_t> times = {}) {
  std::vector<std::optional<double>> curve;
  for (const auto rate : kFalsePositiveRates) curve.push_back(ranked.sensitivity_at(rate, threshold, times));
  return curve;
}

}  // namespace mgca::metrics

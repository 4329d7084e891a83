// Receiver operating characteristic: how well a score separates positives from negatives, whatever the threshold.
// The area is the probability that a random positive scores above a random negative, ties counting one half
// (Mann-Whitney); it is computed in integers, so the order of the samples cannot change it.
// Reference: Fawcett, "An introduction to ROC analysis", 2006; Youden, "Index for rating diagnostic tests", 1950.
#pragma once

#include <mgca/metrics/detail/radix_sort.hpp>
#include <mgca/metrics/score_table.hpp>

#include <limits>

namespace mgca {

struct RocPoint {
  double false_positive_rate = 0;
  double true_positive_rate = 0;
  float threshold = 0;  // positive means score >= threshold
};

struct RocCurve {
  std::vector<RocPoint> points;  // from (0, 0) to (1, 1); one per distinct score
  double area = 0;
  std::int64_t positives = 0;
  std::int64_t negatives = 0;
};

}  // namespace mgca

namespace mgca::metrics {
namespace detail {

struct SplitKeys {
  std::vector<std::uint32_t> positive, negative;  // each ascending
};

inline SplitKeys split_keys(std::span<const float> scores, std::span<const std::uint8_t> labels) {
  check_scores(scores, labels);
  SplitKeys keys{std::vector<std::uint32_t>(scores.size()), std::vector<std::uint32_t>(scores.size())};
  std::size_t positives = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto key = ordered_key(scores[i]);
    keys.positive[positives] = key;
    keys.negative[i - positives] = key;  // the next write corrects the list that it does not belong to
    positives += labels[i];
  }
  keys.positive.resize(positives);
  keys.negative.resize(scores.size() - positives);
  radix_sort<0>(keys.positive);
  radix_sort<0>(keys.negative);
  return keys;
}

// Pairs (positive above negative) + 1/2 pairs (equal), doubled.
inline std::uint64_t doubled_wins(const SplitKeys& keys) {
  std::uint64_t doubled = 0;
  std::size_t below = 0, up_to = 0;  // negatives < key, negatives <= key
  for (const auto key : keys.positive) {
    while (below < keys.negative.size() && keys.negative[below] < key) ++below;
    if (up_to < below) up_to = below;
    while (up_to < keys.negative.size() && keys.negative[up_to] == key) ++up_to;
    doubled += below + up_to;
  }
  return doubled;
}

inline double area_of(std::uint64_t doubled, std::uint64_t positives, std::uint64_t negatives) {
  return static_cast<double>(doubled) / (2.0 * static_cast<double>(positives) * static_cast<double>(negatives));
}

}  // namespace detail

// Nothing when the labels are all alike. Throws Error(argument) for NaN scores and labels beyond 0 and 1.
[[nodiscard]] inline std::optional<double> roc_auc(std::span<const float> scores,
                                                   std::span<const std::uint8_t> labels) {
  const auto keys = detail::split_keys(scores, labels);
  if (keys.positive.empty() || keys.negative.empty()) return std::nullopt;
  return detail::area_of(detail::doubled_wins(keys), keys.positive.size(), keys.negative.size());
}

[[nodiscard]] inline MacroMean macro_roc_auc(const ScoreTable& table) { return macro_mean(table, roc_auc); }

// Nothing when the labels are all alike.
[[nodiscard]] inline std::optional<RocCurve> roc_curve(std::span<const float> scores,
                                                       std::span<const std::uint8_t> labels) {
  const auto keys = detail::split_keys(scores, labels);
  const auto& [positive, negative] = keys;
  if (positive.empty() || negative.empty()) return std::nullopt;
  RocCurve curve;
  curve.positives = static_cast<std::int64_t>(positive.size());
  curve.negatives = static_cast<std::int64_t>(negative.size());
  curve.area = detail::area_of(detail::doubled_wins(keys), positive.size(), negative.size());
  curve.points.push_back({0, 0, std::numeric_limits<float>::infinity()});
  for (std::size_t p = positive.size(), n = negative.size(); p > 0 || n > 0;) {
    const auto key = std::max(p > 0 ? positive[p - 1] : 0U, n > 0 ? negative[n - 1] : 0U);
    while (p > 0 && positive[p - 1] == key) --p;
    while (n > 0 && negative[n - 1] == key) --n;
    curve.points.push_back({static_cast<double>(negative.size() - n) / static_cast<double>(negative.size()),
                            static_cast<double>(positive.size() - p) / static_cast<double>(positive.size()),
                            detail::score_of(key)});
  }
  return curve;
}

// The point that maximises sensitivity + specificity - 1; among equals the one with the highest threshold.
[[nodiscard]] inline RocPoint youden(const RocCurve& curve) {
  MGCA_CHECK(!curve.points.empty(), "youden: the curve has no points");
  RocPoint best = curve.points.front();
  for (const auto& point : curve.points) {
    if (point.true_positive_rate - point.false_positive_rate > best.true_positive_rate - best.false_positive_rate) {
      best = point;
    }
  }
  return best;
}

// Scores sorted once, so that the area and the average precision of every resample cost one pass.
class RankedScores {
 public:
  RankedScores(std::span<const float> scores, std::span<const std::uint8_t> labels) {
    check_scores(scores, labels);
    MGCA_CHECK(scores.size() < (1U << 31), "roc_auc: ", scores.size(), " scores are more than 2^31");
    std::vector<std::uint64_t> order(scores.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = std::uint64_t{detail::ordered_key(scores[i])} << 32 | i;
    detail::radix_sort<32>(order);
    const auto label = [&](std::size_t place) { return labels[static_cast<std::uint32_t>(order[place])]; };
    entries_.reserve(order.size());
    for (std::size_t start = 0, end = 0; start < order.size(); start = end) {
      while (end < order.size() && order[end] >> 32 == order[start] >> 32) ++end;
      for (const std::uint8_t wanted : {0, 1}) {
        for (auto i = start; i < end; ++i) {
          if (label(i) == wanted) entries_.push_back(static_cast<std::uint32_t>(order[i]) << 1 | wanted);
        }
      }
      if ((entries_[start] & 1) != (entries_[end - 1] & 1)) ties_.push_back({start, end});
      if (end - start > 1) runs_.push_back({start, end});
    }
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  // The area when sample i counts `times[i]` times. Nothing when only one label is left.
  [[nodiscard]] std::optional<double> auc(std::span<const std::uint32_t> times) const {
    MGCA_CHECK(times.size() == entries_.size(), "roc_auc: ", times.size(), " weights for ", entries_.size(), " scores");
    std::uint64_t wins = 0, all = 0, negatives = 0;  // ties count as wins here: negatives precede positives
    for (const auto entry : entries_) {
      const std::uint64_t weight = times[entry >> 1];
      const auto positive = weight & (0 - std::uint64_t{entry & 1});
      all += weight;
      negatives += weight - positive;
      wins += positive * negatives;
    }
    const auto positives = all - negatives;
    if (positives == 0 || negatives == 0) return std::nullopt;
    std::uint64_t tied = 0;
    for (const auto& [start, end] : ties_) {
      std::uint64_t equal[2] = {0, 0};
      for (auto i = start; i < end; ++i) equal[entries_[i] & 1] += times[entries_[i] >> 1];
      tied += equal[0] * equal[1];
    }
    return detail::area_of(2 * wins - tied, positives, negatives);
  }
  // On a resample of the bootstrap.
  template <class Draw>
    requires requires(const Draw& draw) { draw.times; }
  [[nodiscard]] std::optional<double> auc(const Draw& draw) const {
    return auc(draw.times);
  }

  // Eight areas in one pass over the order, which costs little more than one: byte k of times[i], from the lowest, is how often sample i
  // counts in area k.
  [[nodiscard]] std::array<std::optional<double>, 8> eight(std::span<const std::uint64_t> times) const {
    MGCA_CHECK(times.size() == entries_.size(), "roc_auc: ", times.size(), " weights for ", entries_.size(), " scores");
    constexpr std::uint64_t even_bytes = 0x00FF00FF00FF00FF;
    const auto byte = [](std::uint64_t word, std::size_t k) { return word >> 8 * k & 0xFF; };
    std::array<std::uint64_t, 8> positives{}, negatives{}, wins{}, tied{};
    std::uint64_t even = 0, odd = 0, added = 0;  // negatives in four fields of 16 bits each, room for 257 bytes
    const auto count_negatives = [&] {
      for (std::size_t k = 0; k < 8; ++k) negatives[k] += (k % 2 == 0 ? even : odd) >> 16 * (k / 2) & 0xFFFF;
      even = odd = added = 0;
    };
    constexpr std::size_t ahead = 24;  // the memory is asked for what comes then
    for (std::size_t place = 0; place < entries_.size(); ++place) {
      __builtin_prefetch(&times[entries_[std::min(place + ahead, entries_.size() - 1)] >> 1]);
      const auto word = times[entries_[place] >> 1];
      if ((entries_[place] & 1) == 0) {
        even += word & even_bytes;
        odd += word >> 8 & even_bytes;
        if (++added == 257) count_negatives();
        continue;
      }
      count_negatives();
      for (std::size_t k = 0; k < 8; ++k) {
        positives[k] += byte(word, k);
        wins[k] += byte(word, k) * negatives[k];
      }
    }
    count_negatives();
    for (const auto& [start, end] : ties_) {
      std::uint64_t equal[2][8] = {};
      for (auto i = start; i < end; ++i) {
        for (std::size_t k = 0; k < 8; ++k) equal[entries_[i] & 1][k] += byte(times[entries_[i] >> 1], k);
      }
      for (std::size_t k = 0; k < 8; ++k) tied[k] += equal[0][k] * equal[1][k];
    }
    std::array<std::optional<double>, 8> areas;
    for (std::size_t k = 0; k < 8; ++k) {
      if (positives[k] > 0 && negatives[k] > 0) areas[k] = detail::area_of(2 * wins[k] - tied[k], positives[k], negatives[k]);
    }
    return areas;
  }

  // The average precision (metrics/precision_recall.hpp) when sample i counts `times[i]` times. Nothing without a positive.
  [[nodiscard]] std::optional<double> average_precision(std::span<const std::uint32_t> times) const {
    MGCA_CHECK(times.size() == entries_.size(), "average_precision: ", times.size(), " weights for ", entries_.size(), " scores");
    double sum = 0;
    std::uint64_t called = 0, found = 0;
    auto run = runs_.rbegin();
    for (auto end = entries_.size(); end > 0;) {
      auto start = end - 1;
      if (run != runs_.rend() && run->end == end) start = (run++)->start;
      std::uint64_t more = 0;
      for (; end > start; --end) {
        const std::uint64_t weight = times[entries_[end - 1] >> 1];
        called += weight;
        more += weight & (0 - std::uint64_t{entries_[end - 1] & 1});
      }
      found += more;
      if (more > 0) sum += static_cast<double>(more) * static_cast<double>(found) / static_cast<double>(called);
    }
    return found == 0 ? std::nullopt : std::optional(sum / static_cast<double>(found));
  }

 private:
  struct Range {
    std::size_t start, end;
  };
  std::vector<std::uint32_t> entries_;  // index and label, ascending by score, negatives before equal positives
  std::vector<Range> ties_;             // equal scores with both labels
  std::vector<Range> runs_;             // equal scores, ascending
};

// The areas of several findings over the same items, as a statistic of bootstrap(): a value each.
struct RocAreas {
  std::vector<RankedScores> findings;

  template <class Draw>
  [[nodiscard]] std::vector<std::optional<double>> operator()(const Draw& draw) const {
    std::vector<std::optional<double>> areas;
    for (const auto& one : findings) areas.push_back(one.auc(draw));
    return areas;
  }
  [[nodiscard]] std::array<std::vector<std::optional<double>>, 8> eight(std::span<const std::uint64_t> times) const {
    std::array<std::vector<std::optional<double>>, 8> areas;
    for (const auto& one : findings) {
      const auto of_finding = one.eight(times);
      for (std::size_t k = 0; k < 8; ++k) areas[k].push_back(of_finding[k]);
    }
    return areas;
  }
};

}  // namespace mgca::metrics

// Scores ranked once for all resamples of a bootstrap: each further area under the curve or average precision is one pass.
#pragma once

#include <mgca/metrics/roc_auc.hpp>

namespace mgca::metrics {

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

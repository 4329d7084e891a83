// Draws with replacement, of items or of whole groups; each resample has its own random address.
#pragma once

#include <mgca/core/random.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace mgca::metrics::detail {

inline std::vector<std::vector<std::int64_t>> members_of(std::span<const std::int64_t> groups) {
  std::map<std::int64_t, std::vector<std::int64_t>> by_group;
  for (std::size_t i = 0; i < groups.size(); ++i) by_group[groups[i]].push_back(static_cast<std::int64_t>(i));
  std::vector<std::vector<std::int64_t>> members;
  for (auto& [group, items] : by_group) members.push_back(std::move(items));
  return members;
}

// In [0, bound) without bias, one 32-bit draw in nearly all cases (Lemire, 2019).
inline std::uint32_t below(RandomStream& stream, std::uint32_t bound) {
  for (;;) {
    const std::uint64_t product = std::uint64_t{stream()} * bound;
    const auto low = static_cast<std::uint32_t>(product);
    if (low >= bound || low >= (0U - bound) % bound) return static_cast<std::uint32_t>(product >> 32);
  }
}

class Resampler {
 public:
  Resampler(std::int64_t count, std::uint64_t seed, std::span<const std::int64_t> groups)
      : seed_(seed), members_(members_of(groups)), few_(static_cast<std::size_t>(count)), times_(few_.size()) {}

  // Resample `number`: the items drawn, and how often each was.
  std::pair<std::span<const std::int64_t>, std::span<const std::uint32_t>> draw(std::int64_t number) {
    indices_.clear();
    draw_items(number, [&](std::int64_t item) { indices_.push_back(item); });
    return {indices_, times_};
  }

  // Resamples `first` to `first` + 7; those from `end` on draw nothing. Byte k of a place, from the lowest, is how often the item was drawn.
  std::span<const std::uint64_t> draw_eight(std::int64_t first, std::int64_t end) {
    eight_.assign(few_.size(), 0);
    for (unsigned k = 0; k < 8 && first < end; ++k, ++first) {
      draw_items(first, [](std::int64_t) {});
      for (std::size_t i = 0; i < few_.size(); ++i) eight_[i] |= std::uint64_t{few_[i]} << 8 * k;
    }
    return eight_;
  }

 private:
  // Counts the items in bytes first, which stay in the nearest cache: more than 255 draws of one item have a chance below 1e-500.
  template <class Visit>
  void draw_items(std::int64_t number, const Visit& visit) {
    RandomStream stream({.seed = seed_, .sample = static_cast<std::uint64_t>(number)}, Use::bootstrap);
    std::fill(few_.begin(), few_.end(), std::uint8_t{0});
    const auto take = [&](std::int64_t item) {
      ++few_[static_cast<std::size_t>(item)];
      visit(item);
    };
    const auto units = static_cast<std::uint32_t>(members_.empty() ? few_.size() : members_.size());
    for (std::uint32_t i = 0; i < units; ++i) {
      const auto drawn = below(stream, units);
      if (members_.empty())
        take(drawn);
      else
        for (const auto item : members_[drawn]) take(item);
    }
    std::copy(few_.begin(), few_.end(), times_.begin());
  }

  std::uint64_t seed_;
  std::vector<std::vector<std::int64_t>> members_;
  std::vector<std::int64_t> indices_;
  std::vector<std::uint8_t> few_;
  std::vector<std::uint32_t> times_;
  std::vector<std::uint64_t> eight_;
};

}  // namespace mgca::metrics::detail

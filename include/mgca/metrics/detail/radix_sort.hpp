// Ascending radix sort of integers by the 32 bits that start at `Shift`, and floats as integers of the same order.
// A comparison sort of 200,000 scores mispredicts at every step; three counting passes do not.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace mgca::metrics::detail {

// Orders as the floats do; -0 and +0 give the same key. The score must not be NaN.
[[nodiscard]] inline std::uint32_t ordered_key(float score) {
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 + 0 is +0
  return (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
}
[[nodiscard]] inline float score_of(std::uint32_t key) {
  return std::bit_cast<float>((key & 0x80000000U) != 0 ? key & 0x7FFFFFFFU : ~key);
}

// Stable. Below a few thousand items the histograms cost more than comparisons.
template <unsigned Shift, class T>
void radix_sort(std::vector<T>& items) {
  constexpr std::array<unsigned, 3> bits{11, 11, 10};
  if (items.size() < 2048) {
    std::stable_sort(items.begin(), items.end(), [](T a, T b) { return (a >> Shift) < (b >> Shift); });
    return;
  }
  std::array<std::array<std::size_t, 2048>, 3> start{};
  for (const T item : items) {
    auto rest = static_cast<std::uint32_t>(item >> Shift);
    for (std::size_t pass = 0; pass < 3; ++pass) {
      ++start[pass][rest & ((1U << bits[pass]) - 1)];
      rest >>= bits[pass];
    }
  }
  std::vector<T> other(items.size());
  unsigned shift = Shift;
  for (std::size_t pass = 0; pass < 3; shift += bits[pass++]) {
    std::size_t below = 0;
    for (auto& count : start[pass]) below += std::exchange(count, below);
    const T mask = (T{1} << bits[pass]) - 1;
    for (const T item : items) other[start[pass][static_cast<std::size_t>((item >> shift) & mask)]++] = item;
    items.swap(other);
  }
}

}  // namespace mgca::metrics::detail

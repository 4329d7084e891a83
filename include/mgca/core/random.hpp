// Randomness with an address: every draw is a function of (seed, epoch, sample, view, use, index), so thread count,
// order and restarts cannot change it and nothing has to be saved.
// Generator: Philox4x32-10, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <mgca/core/error.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace mgca {

// What a draw is for. Two uses never share numbers. Append only: the values are part of saved runs.
enum class Use : std::uint32_t {
  shuffle, crop, flip, rotate, scale, shift, brightness, contrast, blur, apply, caption, initialise,
  bootstrap, split, synthetic_image, synthetic_text, synthetic_label, dropout, subsample, test, sentence, replace, jitter, prompt,
};

struct RandomKey {
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
  std::uint64_t sample = 0;
  std::uint32_t view = 0;  // of the same sample, below 2^16: MoCo looks at each picture twice
};

namespace detail {

[[nodiscard]] constexpr std::uint64_t splitmix64(std::uint64_t x) {
  std::uint64_t z = x + 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

using PhiloxBlock = std::array<std::uint32_t, 4>;

[[nodiscard]] constexpr PhiloxBlock philox(PhiloxBlock counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = 0xD2511F53ULL * counter[0];
    const std::uint64_t b = 0xCD9E8D57ULL * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

}  // namespace detail

// The endless stream of draws at one address. Satisfies std::uniform_random_bit_generator (32 bits).
class RandomStream {
 public:
  using result_type = std::uint32_t;

  RandomStream(const RandomKey& key, Use use)
      : sample_(key.sample), use_(static_cast<std::uint32_t>(use) | key.view << 16) {
    const std::uint64_t mixed = detail::splitmix64(key.seed + detail::splitmix64(key.epoch));
    key_ = {static_cast<std::uint32_t>(mixed), static_cast<std::uint32_t>(mixed >> 32)};
  }

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }

  result_type operator()() {
    if (next_ == 4) {
      block_ = detail::philox({index_++, use_, static_cast<std::uint32_t>(sample_),
                               static_cast<std::uint32_t>(sample_ >> 32)}, key_);
      next_ = 0;
    }
    return block_[next_++];
  }

  // In [0, 1), 53 random bits.
  [[nodiscard]] double uniform() {
    const std::uint64_t high = (*this)();
    const std::uint64_t bits = (high << 32 | (*this)()) >> 11;
    return static_cast<double>(bits) * 0x1.0p-53;
  }
  [[nodiscard]] double uniform(double low, double high) { return low + (high - low) * uniform(); }

  // In [0, bound), without bias. Throws Error(argument) for bound 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) {
    MGCA_CHECK(bound > 0, "random: cannot draw below 0");
    const std::uint64_t limit = std::numeric_limits<std::uint64_t>::max() / bound * bound;
    for (;;) {
      const std::uint64_t high = (*this)();
      const std::uint64_t bits = high << 32 | (*this)();
      if (bits < limit) return bits % bound;
    }
  }

  // Standard normal, Box-Muller.
  [[nodiscard]] double normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

 private:
  std::array<std::uint32_t, 2> key_{};
  detail::PhiloxBlock block_{};
  std::uint64_t sample_;
  std::uint32_t use_;
  std::uint32_t index_ = 0;
  std::uint32_t next_ = 4;
};

// The first uniform draw at an address, in [0, 1).
[[nodiscard]] inline double draw(const RandomKey& key, Use use) { return RandomStream(key, use).uniform(); }

// A uniformly random order of `items`, in place (Fisher-Yates).
template <class T>
void shuffle(std::span<T> items, const RandomKey& key, Use use = Use::shuffle) {
  RandomStream stream(key, use);
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[stream.below(i)]);
}

// A uniformly random order of 0 .. count-1.
[[nodiscard]] inline std::vector<std::int64_t> permutation(std::int64_t count, const RandomKey& key,
                                                           Use use = Use::shuffle) {
  MGCA_CHECK(count >= 0, "permutation: expected a count of 0 or more, got ", count);
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  shuffle(std::span(order), key, use);
  return order;
}

}  // namespace mgca

// Which records come in which order: a pure function of (seed, epoch), so that any epoch can be entered and no state is saved.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/random.hpp>

#include <array>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <vector>

namespace mgca {

enum class Order : std::uint8_t { shuffled, as_stored };
constexpr auto names_of(Order) { return std::to_array<std::string_view>({"shuffled", "as_stored"}); }

struct SamplerOptions {
  Order order = Order::shuffled;
  std::uint64_t seed = 42;

  static void describe(auto& self, auto&& field) {
    field("order", self.order, "order of the records within an epoch");
    field("seed", self.seed, "seed of the order");
  }
};

class Sampler {
 public:
  Sampler(std::int64_t records, const SamplerOptions& options) : records_(records), options_(options) {
    MGCA_CHECK(records >= 0, "sampler: expected 0 records or more, got ", records);
  }

  // The record positions of one epoch.
  [[nodiscard]] std::vector<std::int64_t> epoch(std::int64_t epoch) const {
    if (options_.order == Order::shuffled) return permutation(records_, {.seed = options_.seed, .epoch = static_cast<std::uint64_t>(epoch)});
    std::vector<std::int64_t> all(static_cast<std::size_t>(records_));
    std::iota(all.begin(), all.end(), std::int64_t{0});
    return all;
  }

 private:
  std::int64_t records_;
  SamplerOptions options_;
};

}  // namespace mgca

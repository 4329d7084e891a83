// Which records come in which order: streams of positions as pure functions of (seed, epoch), so that any epoch can be entered at
// any place and no state is saved.
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

// How shards become equally long, as collective operations need them, when the records do not divide evenly.
enum class Uneven : std::uint8_t {
  pad,   // the epoch's first records come again at its end
  drop,  // the epoch's last records are left out; shuffled, they are others in each epoch
};
constexpr auto names_of(Uneven) { return std::to_array<std::string_view>({"pad", "drop"}); }

struct SamplerOptions {
  Order order = Order::shuffled;
  std::uint64_t seed = 42;
  std::int64_t rank = 0;   // this shard
  std::int64_t world = 1;  // of so many
  Uneven uneven = Uneven::pad;

  static void describe(auto& self, auto&& field) {
    field("order", self.order, "order of the records within an epoch");
    field("seed", self.seed, "seed of the order");
    field("rank", self.rank, "this shard, from 0");
    field("world", self.world, "number of shards");
    field("uneven", self.uneven, "how shards become equally long");
  }
  void validate() const {
    MGCA_CHECK(world > 0 && rank >= 0 && rank < world, "sampler: expected a rank of 0 to world - 1, got rank ", rank, " of world ", world);
  }
};

class Sampler {
 public:
  // Throws Error(argument) if the shard would hold no record.
  Sampler(std::int64_t records, const SamplerOptions& options) : records_(records), options_((options.validate(), options)) {
    MGCA_CHECK(records >= 0, "sampler: expected 0 records or more, got ", records);
    MGCA_CHECK(size() > 0 || records == 0, "sampler: ", records, " records do not reach ", options.world, " shards; use Uneven::pad or fewer shards");
  }

  // Positions in an epoch of this shard; the same for every shard.
  [[nodiscard]] std::int64_t size() const {
    const bool rest = records_ % options_.world != 0;
    return records_ / options_.world + (options_.uneven == Uneven::pad && rest ? 1 : 0);
  }
  // The record positions of one epoch from place `first` on: every world-th of the whole order.
  [[nodiscard]] std::vector<std::int64_t> epoch(std::int64_t epoch, std::int64_t first = 0) const {
    MGCA_CHECK(first >= 0 && first <= size(), "sampler: place ", first, " in an epoch of ", size());
    const auto whole = order(epoch);
    std::vector<std::int64_t> mine;
    for (std::int64_t i = first; i < size(); ++i) mine.push_back(whole[static_cast<std::size_t>((i * options_.world + options_.rank) % records_)]);
    return mine;
  }

 private:
  [[nodiscard]] std::vector<std::int64_t> order(std::int64_t epoch) const {
    if (options_.order == Order::shuffled) return permutation(records_, {.seed = options_.seed, .epoch = static_cast<std::uint64_t>(epoch)});
    std::vector<std::int64_t> all(static_cast<std::size_t>(records_));
    std::iota(all.begin(), all.end(), std::int64_t{0});
    return all;
  }

  std::int64_t records_;
  SamplerOptions options_;
};

}  // namespace mgca

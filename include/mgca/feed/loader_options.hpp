// How records become batches, and which of them a rank gets.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/data/sampler.hpp>  // Order

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace mgca {

enum class LastBatch : uint8_t { keep, drop };
constexpr auto names_of(LastBatch) { return std::to_array<std::string_view>({"keep", "drop"}); }

// What each of several ranks gets; the batches are the same for any number of ranks.
enum class Share : uint8_t {
  rows,     // an equal part of every batch, rank after rank: for training
  batches,  // whole batches in turn, batch k for rank k modulo their number: for evaluation
};

struct LoaderOptions {
  int64_t batch_size = 72;
  Order order = Order::shuffled;
  LastBatch last_batch = LastBatch::drop;  // a smaller last batch changes batch statistics and the number of negatives
  int64_t threads = 1;                     // 0: batches are made by the caller
  int64_t ahead = 4;                       // batches ready or in the making
  double warn_after = 60;                  // seconds without a batch before "loader_slow" is told, and told again
  uint64_t seed = 42;
  // Of the process, not of the run, so no part of a configuration.
  bool pinned = false;  // page-locked batches, which a GPU copies while it computes; changes no number
  int64_t rank = 0;     // of the process, among those that train together
  int64_t world = 1;    // their number
  Share share = Share::rows;

  static void describe(auto& self, auto&& field) {
    field("batch_size", self.batch_size, "records per batch, of all ranks together");
    field("order", self.order, "order of the records within an epoch");
    field("last_batch", self.last_batch, "what happens to a last batch that is not full");
    field("threads", self.threads, "background threads; 0: none");
    field("ahead", self.ahead, "batches prepared ahead");
    field("warn_after", self.warn_after, "seconds without a batch before a warning");
    field("seed", self.seed, "seed of the order and of augmentation");
  }
  void validate() const {
    MGCA_CHECK(batch_size > 0, "loader: batch_size must be positive, got ", batch_size);
    MGCA_CHECK(threads >= 0 && ahead > 0, "loader: expected threads >= 0 and ahead > 0, got ", threads, " and ", ahead);
    MGCA_CHECK(warn_after > 0, "loader: warn_after must be positive, got ", warn_after, " seconds");
    MGCA_CHECK(world > 0 && rank >= 0 && rank < world, "loader: expected a rank of 0 to world - 1, got rank ", rank, " of world ", world);
    MGCA_CHECK(share == Share::batches || batch_size % world == 0, "loader: a batch_size of ", batch_size, " does not divide among ", world,
               " ranks; use ", (batch_size / world + 1) * world, " or another number of ranks");
  }
};

// Places in an epoch's order.
struct Places {
  int64_t from = 0;
  int64_t size = 0;
};

// The batches of an epoch that a rank takes part in.
[[nodiscard]] inline int64_t batches_of(const LoaderOptions& options, int64_t records) {
  const int64_t full = records / options.batch_size;
  const bool rest = records % options.batch_size != 0;
  const int64_t all = full + (options.last_batch == LastBatch::keep && rest ? 1 : 0);
  return options.share == Share::rows ? all : (all - options.rank + options.world - 1) / options.world;
}

// The records of a rank's batch k, with those of the ranks that share it.
[[nodiscard]] inline Places whole_batch(const LoaderOptions& options, int64_t records, int64_t batch) {
  const int64_t from = std::min((options.share == Share::rows ? batch : batch * options.world + options.rank) * options.batch_size, records);
  return {from, std::min(options.batch_size, records - from)};
}

// This rank's own of them.
[[nodiscard]] inline Places own_part(const LoaderOptions& options, int64_t records, int64_t batch) {
  const auto whole = whole_batch(options, records, batch);
  if (options.share == Share::batches) return whole;
  const int64_t size = whole.size / options.world;
  return {whole.from + options.rank * size, size};
}

// Throws Error(argument) if so many records form no batch, or a last one that ranks cannot share: parts of different sizes would count
// differently in a mean over ranks.
inline void require_batches(const LoaderOptions& options, int64_t records) {
  auto alone = options;
  alone.rank = 0;
  MGCA_CHECK(batches_of(alone, records) > 0, "loader: ", records, " records form no batch of ", options.batch_size, "; use a smaller batch_size or LastBatch::keep");
  const int64_t rest = records % options.batch_size;
  MGCA_CHECK(options.share == Share::batches || options.last_batch == LastBatch::drop || rest % options.world == 0, "loader: the last batch, of ", rest,
             " records, does not divide among ", options.world, " ranks; use LastBatch::drop or another batch_size");
}

}  // namespace mgca

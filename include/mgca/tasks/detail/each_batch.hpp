// One pass over a source, as every evaluation makes it, by one process or by ranks that deal the batches out among themselves.
#pragma once

#include <mgca/feed/loader.hpp>
#include <mgca/tensor/bridge.hpp>
#include <mgca/train/agreement.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace mgca::tasks::detail {

// Records that cannot be read are found by the rank that reads them; the limit is a share of the whole data set, and so of what all have found.
template <class Source>
void require_few_bad(const Source& source, Ranks& ranks) {
  if constexpr (requires { source.bad_samples().reasons(); }) {
    std::vector<int64_t> rows;
    for (const auto& [row, reason] : source.bad_samples().reasons()) rows.push_back(row);
    rows = gather_values(ranks.control, std::move(rows));
    const auto bad = std::set<int64_t>(rows.begin(), rows.end()).size();
    const auto limit = source.bad_samples().rule().limit;
    if (static_cast<double>(bad) > limit * static_cast<double>(source.size())) {
      fail(ErrorKind::data, bad, " of ", source.size(), " pictures cannot be read, more than the limit of ", 100 * limit, " %; mend or remove these rows, the first of them row ",
           *std::min_element(rows.begin(), rows.end()));
    }
  }
}

// Every batch once, in stored order, the last one however small; batches are made ahead while `use(const Batch&)` has one. Each of several
// ranks has the batches of its turns, which may be none; where one throws, all do.
template <SampleSource Source, std::invocable<const typename Source::Batch&> Use>
void for_each_batch(const Source& source, int64_t batch_size, Ranks* ranks, Use&& use) {
  LoaderOptions options{.batch_size = batch_size, .order = Order::as_stored, .last_batch = LastBatch::keep};
  if (ranks != nullptr) options.rank = ranks->rank(), options.world = ranks->size(), options.share = Share::batches;
  (void)on_all_or_none(ranks, {}, [&] {
    const Loader<Source> loader(source, options);
    auto batches = loader.epoch_batches(0);
    while (const auto batch = batches.next()) use(*batch);
  });
  if (ranks != nullptr) require_few_bad(source, *ranks);
}
template <SampleSource Source, std::invocable<const typename Source::Batch&> Use>
void for_each_batch(const Source& source, int64_t batch_size, Use&& use) {
  for_each_batch(source, batch_size, nullptr, std::forward<Use>(use));
}

// Brings together what ranks have made of their batches, in the order of the batches, as one process makes it.
class BatchOrder {
 public:
  // Of this rank's next batch: how many rows were made.
  void add(std::size_t rows) { turns_.insert(turns_.end(), rows, next_++); }

  // The rows (n, ...) of all ranks, on the CPU. No ranks: as they are.
  [[nodiscard]] Tensor of_all(Ranks* ranks, const Tensor& rows) const {
    return ranks == nullptr ? rows : gather_rows(ranks->control, rows).index_select(0, order(*ranks));
  }
  template <class T>
  [[nodiscard]] std::vector<T> of_all(Ranks* ranks, std::vector<T> rows) const {
    if (ranks == nullptr) return rows;
    const auto all = gather_values(ranks->control, std::move(rows));
    const Tensor places = order(*ranks);
    std::vector<T> ordered;
    for (const auto place : span_of<int64_t>(places)) ordered.push_back(all[static_cast<std::size_t>(place)]);
    return ordered;
  }

 private:
  // Where the rows of batch 0, 1, ... lie among those of rank 0, 1, ...; a rank's turn t is batch t * ranks + rank.
  [[nodiscard]] Tensor order(Ranks& ranks) const {
    const auto batches = tensor_of(std::span(turns_), {static_cast<int64_t>(turns_.size())}) * ranks.size() + ranks.rank();
    return gather_rows(ranks.control, batches).argsort(/*stable=*/true, /*dim=*/0, /*descending=*/false);
  }

  std::vector<int64_t> turns_;  // of each row
  int64_t next_ = 0;
};

}  // namespace mgca::tasks::detail

// One pass over a source, as every evaluation makes it, by one process or by ranks that deal the batches out among themselves.
#pragma once

#include <mgca/feed/loader.hpp>
#include <mgca/train/agreement.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace mgca::tasks::detail {

// Every batch once, in stored order, the last one however small; batches are made ahead while `use(const Batch&)` has one. Each of several
// ranks has the batches of its turns, which may be none; where one throws, all do.
template <SampleSource Source, class Use>
void for_each_batch(const Source& source, int64_t batch_size, Ranks* ranks, Use&& use) {
  LoaderOptions options{.batch_size = batch_size, .order = Order::as_stored, .last_batch = LastBatch::keep};
  if (ranks != nullptr) options.rank = ranks->rank(), options.world = ranks->size(), options.share = Share::batches;
  (void)on_all_or_none(ranks, {}, [&] {
    const Loader<Source> loader(source, options);
    auto batches = loader.epoch_batches(0);
    while (const auto batch = batches.next()) use(*batch);
  });
}
template <SampleSource Source, class Use>
void for_each_batch(const Source& source, int64_t batch_size, Use&& use) {
  for_each_batch(source, batch_size, nullptr, std::forward<Use>(use));
}

// What all ranks have made of their batches, in the order in which one process makes it: that of the records, which `record_of` tells.
template <class T, class RecordOf>
[[nodiscard]] std::vector<T> of_all_ranks(Ranks* ranks, std::vector<T> mine, RecordOf record_of) {
  if (ranks == nullptr) return mine;
  auto all = gather_values(ranks->control, std::move(mine));
  std::stable_sort(all.begin(), all.end(), [&](const T& a, const T& b) { return record_of(a) < record_of(b); });
  return all;
}

}  // namespace mgca::tasks::detail

// One pass over a source, as every evaluation makes it.
#pragma once

#include <mgca/feed/loader.hpp>

#include <cstdint>

namespace mgca::tasks::detail {

// Every batch once, in stored order, the last one however small; batches are made ahead while `use(const Batch&)` has one.
template <SampleSource Source, class Use>
void for_each_batch(const Source& source, int64_t batch_size, Use&& use) {
  const Loader<Source> loader(source, {.batch_size = batch_size, .order = Order::as_stored, .last_batch = LastBatch::keep});
  auto batches = loader.epoch_batches(0);
  while (const auto batch = batches.next()) use(*batch);
}

}  // namespace mgca::tasks::detail

// Losses in groups of a batch, each by itself: every sample meets the negatives of its own group alone, and batch statistics are
// the group's. One process does so what several with unjoined batches do: the published training is two groups of 72.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/core/error.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>

namespace mgca::align {

// Rows first .. first + count of a batch, as views. They are compared with each other alone: without peers.
[[nodiscard]] inline AlignmentInput rows(const AlignmentInput& batch, int64_t first, int64_t count) {
  const auto part = [&](const Tensor& whole) { return whole.defined() ? whole.narrow(0, first, count) : Tensor(); };
  return {.images = part(batch.images),
          .tokens = {part(batch.tokens.ids), part(batch.tokens.mask), part(batch.tokens.word_slot), part(batch.tokens.words)},
          .second_images = part(batch.second_images),
          .labels = part(batch.labels)};
}

// With several ranks groups must be those that one process would make of the joined batch. Throws Error(argument) where they are not.
inline void require_whole_groups(int64_t rows, int64_t size, ProcessGroup* peers) {
  MGCA_CHECK(peers == nullptr || size == 0 || rows % size == 0, "a rank's part of ", rows, " samples is not made of groups of ", size,
             "; with several ranks micro_group must divide the part, or the groups would not be those of one process: choose another batch_size, micro_group or number of ranks");
}

// The losses of groups of `size` samples, averaged over samples; the last group may be smaller. Size 0: the whole batch at once, with its peers.
// `losses` gives the same terms and metrics for every group.
template <std::invocable<const AlignmentInput&> Losses>
[[nodiscard]] AlignmentLosses in_groups(const AlignmentInput& batch, int64_t size, Losses&& losses) {
  MGCA_CHECK(size >= 0, "in_groups: expected a group of 1 or more samples, or 0 for the whole batch, got ", size);
  const auto B = batch.images.size(0);
  if (size == 0) return losses(batch);
  require_whole_groups(B, size, batch.peers);
  AlignmentLosses mean;
  for (int64_t first = 0; first < B; first += size) {
    const auto count = std::min(size, B - first);
    auto part = losses(rows(batch, first, count));
    const auto share = static_cast<double>(count) / static_cast<double>(B);
    for (auto& term : part.terms) term.value = term.value * share;
    for (auto& metric : part.metrics) metric.value = metric.value * share;
    if (first == 0) {
      mean = std::move(part);
      continue;
    }
    for (std::size_t i = 0; i < mean.terms.size(); ++i) mean.terms[i].value = mean.terms[i].value + part.terms[i].value;
    for (std::size_t i = 0; i < mean.metrics.size(); ++i) mean.metrics[i].value = mean.metrics[i].value + part.metrics[i].value;
  }
  return mean;
}

}  // namespace mgca::align

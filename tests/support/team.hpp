// Ranks as threads of the test's process, each with the groups of a training run.
#pragma once

#include "ranks.hpp"

#include <mgca/train/exchange.hpp>

namespace mgca::test {

// Calls `work(ranks)` on every rank at once. Throws what the lowest rank that failed has thrown.
template <class Work>
void on_team(int64_t world, Work&& work) {
  const auto store = mgca::local_store();
  on_threads(world, [&](int64_t rank) {
    const auto group = [&](const char* name) {
      return mgca::connect_group(store, {.rank = rank, .world = world}, torch::kCPU, {.timeout = std::chrono::seconds(60), .name = name});
    };
    const auto data = group("data"), control = group("control"), peers = group("peers");
    Ranks ranks{.data = *data, .control = *control, .peers = *peers};
    work(ranks);
  });
}

}  // namespace mgca::test

// Clipping the attention of 111 words and 196 patches: one sort for all rows against a visit of every sample.
#include "axes.hpp"

#include <mgca/ops/quantile_clip.hpp>

using namespace mgca::bench;

static void rows(Benchmark* b) { b->Arg(kWords)->Arg(kPatches)->ArgName("parts")->UseRealTime()->Unit(benchmark::kMicrosecond); }

static void BM_QuantileClip(benchmark::State& state) {
  const auto weights = torch::rand({kPairs, state.range(0)});
  const auto counted = ragged(kPairs, state.range(0));
  forward(state, [&] { return mgca::ops::quantile_clip(weights, counted); });
}
BENCHMARK(BM_QuantileClip)->Name("BM_QuantileClip/sort")->Apply(rows);

static void BM_QuantileClipLoop(benchmark::State& state) {
  const auto weights = torch::rand({kPairs, state.range(0)});
  const auto counts = ragged(kPairs, state.range(0)).sum(1);
  forward(state, [&] {
    auto clipped = torch::zeros_like(weights);
    for (int64_t b = 0; b < kPairs; ++b) {
      const auto row = weights[b].slice(0, 0, counts[b].item<int64_t>());
      const auto kept = row.maximum(row.quantile(0.1)).minimum(row.quantile(0.9));
      clipped[b].slice(0, 0, row.size(0)) = kept / kept.sum();
    }
    return clipped;
  });
}
BENCHMARK(BM_QuantileClipLoop)->Name("BM_QuantileClip/loop")->Apply(rows);

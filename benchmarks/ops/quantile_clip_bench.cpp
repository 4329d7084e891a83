// Clipping the attention of 111 words and 196 patches: one sort per row against two quantile calls.
#include <benchmark/benchmark.h>

#include <mgca/ops/quantile_clip.hpp>

static void BM_QuantileClip(benchmark::State& state) {
  const auto weights = torch::rand({72, state.range(0)});
  const auto counts = torch::randint(1, state.range(0) + 1, {72, 1});
  const auto valid = torch::arange(state.range(0)).unsqueeze(0).lt(counts);
  for (auto _ : state) benchmark::DoNotOptimize(mgca::ops::quantile_clip(weights, valid));
  state.SetItemsProcessed(state.iterations() * 72);
}
BENCHMARK(BM_QuantileClip)
    ->Name("BM_QuantileClip/sort")
    ->Arg(111)
    ->Arg(196)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

// The form that visits the samples one by one.
static void BM_QuantileClipLoop(benchmark::State& state) {
  const auto weights = torch::rand({72, state.range(0)});
  const auto counts = torch::randint(1, state.range(0) + 1, {72});
  for (auto _ : state) {
    auto clipped = torch::zeros_like(weights);
    for (int64_t b = 0; b < 72; ++b) {
      const auto row = weights[b].slice(0, 0, counts[b].item<int64_t>());
      const auto kept = row.maximum(row.quantile(0.1)).minimum(row.quantile(0.9));
      clipped[b].slice(0, 0, row.size(0)) = kept / kept.sum();
    }
    benchmark::DoNotOptimize(clipped);
  }
  state.SetItemsProcessed(state.iterations() * 72);
}
BENCHMARK(BM_QuantileClipLoop)
    ->Name("BM_QuantileClip/loop")
    ->Arg(111)
    ->Arg(196)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

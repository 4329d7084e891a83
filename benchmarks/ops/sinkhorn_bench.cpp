// Prototype assignment at the published size: 500 prototypes, 3 iterations.
#include <benchmark/benchmark.h>

#include <mgca/ops/sinkhorn.hpp>

static void BM_Sinkhorn(benchmark::State& state) {
  const auto scores = torch::rand({state.range(0), 500}) * 2 - 1;
  for (auto _ : state) benchmark::DoNotOptimize(mgca::ops::sinkhorn(scores));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Sinkhorn)
    ->Name("BM_Sinkhorn/aten")
    ->Arg(16)
    ->Arg(72)
    ->Arg(144)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

// Symmetric contrast of a batch, forward and backward.
#include <benchmark/benchmark.h>

#include <mgca/ops/contrast.hpp>

static void BM_Contrast(benchmark::State& state) {
  const auto images = mgca::ops::unit(torch::randn({state.range(0), 128})).set_requires_grad(true);
  const auto texts = mgca::ops::unit(torch::randn({state.range(0), 128})).set_requires_grad(true);
  for (auto _ : state) mgca::ops::contrast(images, texts).loss.backward();
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Contrast)
    ->Name("BM_Contrast/step")
    ->Arg(16)
    ->Arg(72)
    ->Arg(144)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

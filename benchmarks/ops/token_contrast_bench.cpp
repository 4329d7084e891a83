// Token contrast within samples, forward and backward: 111 words, 196 or 361 patches.
#include <benchmark/benchmark.h>

#include <mgca/ops/token_contrast.hpp>

static void BM_TokenContrast(benchmark::State& state) {
  const auto L = state.range(0);
  const auto tokens = mgca::ops::unit(torch::randn({8, L, 128})).set_requires_grad(true);
  const auto others = mgca::ops::unit(torch::randn({8, L, 128})).set_requires_grad(true);
  const auto weights = torch::full({8, L}, 1.0 / static_cast<double>(L));
  const auto samples = torch::full({}, 8.0);
  for (auto _ : state) {
    mgca::ops::weighted_loss(mgca::ops::token_contrast(tokens, others), weights, samples).backward();
  }
  state.SetItemsProcessed(state.iterations() * 8);
}
BENCHMARK(BM_TokenContrast)
    ->Name("BM_TokenContrast/step")
    ->Arg(111)
    ->Arg(196)
    ->Arg(361)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

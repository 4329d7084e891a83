// Words attending to patches, forward and backward: 196 patches of the ViT, 361 of the ResNet.
#include <benchmark/benchmark.h>

#include <mgca/ops/cross_attention.hpp>

static void BM_CrossAttention(benchmark::State& state) {
  const auto words = mgca::ops::unit(torch::randn({8, 111, 128})).set_requires_grad(true);
  const auto patches = mgca::ops::unit(torch::randn({8, state.range(0), 128})).set_requires_grad(true);
  for (auto _ : state) mgca::ops::cross_attention(words, patches).attended.sum().backward();
  state.SetItemsProcessed(state.iterations() * 8);
}
BENCHMARK(BM_CrossAttention)
    ->Name("BM_CrossAttention/step")
    ->Arg(196)
    ->Arg(361)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

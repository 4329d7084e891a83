// One block of ViT-B, 197 tokens, 2 images.
#include "axes.hpp"

#include <mgca/nn/vit_block.hpp>

using namespace mgca::bench;

static void run(benchmark::State& state, mgca::AttentionWeights wanted, bool backward) {
  mgca::VitBlock block({});
  const auto x = unit_rows({2, kPatches + 1, 768});
  const auto f = [&] { return block(x, wanted).tokens; };
  if (backward) forward_backward(state, [&] { return f().sum(); });
  else forward(state, f);
}
static void BM_VitBlock(benchmark::State& state) { run(state, mgca::AttentionWeights::none, false); }
static void BM_VitBlockSummary(benchmark::State& state) { run(state, mgca::AttentionWeights::summary, false); }
static void BM_VitBlockBackward(benchmark::State& state) { run(state, mgca::AttentionWeights::none, true); }
BENCHMARK(BM_VitBlock)->Name("BM_VitBlock/forward")->Apply(once);
BENCHMARK(BM_VitBlockSummary)->Name("BM_VitBlock/forward_with_summary")->Apply(once);
BENCHMARK(BM_VitBlockBackward)->Name("BM_VitBlock/forward_backward")->Apply(once);

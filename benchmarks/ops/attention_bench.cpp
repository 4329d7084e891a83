// Self-attention of ViT-B over 197 tokens, 4 images: the fused kernel, and the same through its weights.
#include "axes.hpp"

#include <mgca/ops/attention.hpp>

using namespace mgca::bench;

static mgca::Tensor heads() { return unit_rows({4, 12, kPatches + 1, 64}); }

static void BM_Attention(benchmark::State& state) {
  const auto q = heads(), k = heads(), v = heads();
  forward_backward(state, [&] { return mgca::ops::attend({.query = q, .key = k, .value = v, .bias = {}}).sum(); });
}
BENCHMARK(BM_Attention)->Name("BM_Attention/fused")->Apply(once);

static void BM_AttentionByWeights(benchmark::State& state) {
  const auto q = heads(), k = heads(), v = heads();
  forward_backward(state, [&] { return mgca::ops::attention_weights(q, k).matmul(v).sum(); });
}
BENCHMARK(BM_AttentionByWeights)->Name("BM_Attention/weights")->Apply(once);

static void BM_AttentionSummary(benchmark::State& state) {
  const auto q = heads(), k = heads();
  forward(state, [&] { return mgca::ops::attention_weights(q.slice(2, 0, 1), k); });
}
BENCHMARK(BM_AttentionSummary)->Name("BM_Attention/summary_row")->Apply(once);

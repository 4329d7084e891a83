// Words over patches, and patches over the words that exist, 72 pairs.
#include "axes.hpp"

#include <mgca/ops/cross_attention.hpp>

using namespace mgca::bench;

static void BM_CrossAttention(benchmark::State& state) {
  const auto words = unit_rows({kPairs, kWords, kEmbedding}), patches = unit_rows({kPairs, state.range(0), kEmbedding});
  forward_backward(state, [&] { return mgca::ops::cross_attention(words, patches, 0.1).mixed.sum(); });
}
BENCHMARK(BM_CrossAttention)->Name("BM_CrossAttention/words")->Apply(parts);

static void BM_CrossAttentionMasked(benchmark::State& state) {
  const auto words = unit_rows({kPairs, kWords, kEmbedding}), patches = unit_rows({kPairs, state.range(0), kEmbedding});
  const auto valid = ragged(kPairs, kWords);
  forward_backward(state, [&] { return mgca::ops::cross_attention(patches, words, 0.1, valid).mixed.sum(); });
}
BENCHMARK(BM_CrossAttentionMasked)->Name("BM_CrossAttention/patches_masked")->Apply(parts);

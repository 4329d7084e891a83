// The token-wise loss of 72 pairs: one similarity matrix, cross-entropies of its rows and columns.
#include "axes.hpp"

#include <mgca/ops/token_contrast.hpp>

using namespace mgca::bench;

static void run(benchmark::State& state, int64_t L, const mgca::Tensor& valid) {
  const auto tokens = unit_rows({kPairs, L, kEmbedding}), attended = tokens.detach().roll(1, 1).requires_grad_();
  const auto weights = torch::full({kPairs, L}, 1.0 / static_cast<double>(L));
  const auto samples = torch::full({}, static_cast<double>(kPairs));
  forward_backward(state, [&] {
    return mgca::ops::token_contrast({.tokens = tokens, .attended = attended, .weights = weights, .valid = valid, .samples = samples}, 0.1).mean();
  });
}
static void BM_TokenContrast(benchmark::State& state) { run(state, state.range(0), {}); }
static void BM_TokenContrastMasked(benchmark::State& state) { run(state, kWords, ragged(kPairs, kWords)); }
BENCHMARK(BM_TokenContrast)->Name("BM_TokenContrast/all")->Apply(parts);
BENCHMARK(BM_TokenContrastMasked)->Name("BM_TokenContrast/masked_words")->Apply(once);

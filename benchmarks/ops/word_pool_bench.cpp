// Word pieces to words, 72 reports of 112 tokens of 768 channels: one batched product against scattered sums.
#include "axes.hpp"

#include <mgca/ops/word_pool.hpp>

using namespace mgca::bench;

static mgca::Tensor slots() {  // words of one and a half pieces on average, no word at [CLS] and in the padding
  const auto position = torch::arange(-1, kWords).mul(2).div(3, "floor");
  const auto exists = torch::constant_pad_nd(ragged(kPairs, kWords), {1, 0}, false);
  return torch::where(exists, position.expand({kPairs, -1}), torch::full({kPairs, kWords + 1}, -1, torch::kLong));
}

static void BM_WordPool(benchmark::State& state) {
  const auto pieces = unit_rows({kPairs, kWords + 1, 768});
  const auto slot = slots();
  forward_backward(state, [&] { return mgca::ops::word_pool(pieces, slot).sum(); });
}
BENCHMARK(BM_WordPool)->Name("BM_WordPool/product")->Apply(once);

static void BM_WordPoolScatter(benchmark::State& state) {
  const auto pieces = unit_rows({kPairs, kWords + 1, 768});
  const auto slot = slots().add(1).unsqueeze(-1).expand({-1, -1, 768});  // row 0 collects what belongs to no word
  forward_backward(state, [&] { return torch::zeros({kPairs, kWords + 1, 768}).scatter_add(1, slot, pieces).slice(1, 1).sum(); });
}
BENCHMARK(BM_WordPoolScatter)->Name("BM_WordPool/scatter")->Apply(once);

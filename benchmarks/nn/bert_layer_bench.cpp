// One layer of BERT base, 112 tokens, 4 reports, dropout on in training.
#include "axes.hpp"

#include <mgca/nn/bert_layer.hpp>

using namespace mgca::bench;

static void run(benchmark::State& state, bool backward) {
  mgca::BertLayer layer({});
  layer->train(backward);
  const auto x = unit_rows({4, kWords + 1, 768});
  const auto bias = torch::zeros({4, 1, 1, kWords + 1});
  const auto f = [&] { return layer(x, bias, mgca::AttentionWeights::none).tokens; };
  if (backward) forward_backward(state, [&] { return f().sum(); });
  else forward(state, f);
}
static void BM_BertLayer(benchmark::State& state) { run(state, false); }
static void BM_BertLayerBackward(benchmark::State& state) { run(state, true); }
BENCHMARK(BM_BertLayer)->Name("BM_BertLayer/forward")->Apply(once);
BENCHMARK(BM_BertLayerBackward)->Name("BM_BertLayer/forward_backward")->Apply(once);

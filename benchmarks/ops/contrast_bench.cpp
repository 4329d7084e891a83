// The loss of instances: logits, both cross-entropies, gradients of both sides.
#include "axes.hpp"

#include <mgca/ops/contrast.hpp>

using mgca::bench::kEmbedding;

static void BM_Contrast(benchmark::State& state) {
  const auto image = mgca::bench::unit_rows({state.range(0), kEmbedding}), text = image.detach().roll(1, 0).requires_grad_();
  mgca::bench::forward_backward(state, [&] { return mgca::ops::contrast(image, text, 0.07).sum(); });
}
BENCHMARK(BM_Contrast)->Name("BM_Contrast/forward_backward")->Apply(mgca::bench::batches);

static void BM_PairingAccuracy(benchmark::State& state) {
  const auto logits = torch::randn({state.range(0), state.range(0)});
  mgca::bench::forward(state, [&] { return mgca::ops::pairing_accuracy(logits, 5); });
}
BENCHMARK(BM_PairingAccuracy)->Name("BM_PairingAccuracy/count")->Apply(mgca::bench::batches);

// The loss of two views of each picture: forward and gradient of both.
#include "axes.hpp"

#include <mgca/ops/nt_xent.hpp>

static void BM_NtXent(benchmark::State& state) {
  const auto first = mgca::bench::unit_rows({state.range(0), mgca::bench::kEmbedding}), second = first.detach().roll(1, 0).requires_grad_();
  mgca::bench::forward_backward(state, [&] { return mgca::ops::nt_xent(first, second, 0.1).value(); });
}
BENCHMARK(BM_NtXent)->Name("BM_NtXent/forward_backward")->Apply(mgca::bench::batches);

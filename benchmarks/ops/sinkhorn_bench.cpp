// Prototype assignment at the published size: 500 prototypes, 3 iterations.
#include "axes.hpp"

#include <mgca/ops/sinkhorn.hpp>

static void BM_Sinkhorn(benchmark::State& state) {
  const auto scores = torch::rand({state.range(0), mgca::bench::kPrototypes}) * 2 - 1;
  mgca::bench::forward(state, [&] { return mgca::ops::sinkhorn(scores); });
}
BENCHMARK(BM_Sinkhorn)->Name("BM_Sinkhorn/aten")->Apply(mgca::bench::batches);

// A bottleneck of ResNet-50's third stage, 19 x 19 positions, 4 images.
#include "axes.hpp"

#include <mgca/nn/residual_block.hpp>

using namespace mgca::bench;

static void run(benchmark::State& state, bool backward) {
  mgca::ResidualBlock block({.in = 1024, .width = 256});
  block->train(backward);
  const auto x = unit_rows({4, 1024, 19, 19});
  const auto f = [&] { return block(x); };
  if (backward) forward_backward(state, [&] { return f().sum(); });
  else forward(state, f);
}
static void BM_ResidualBlock(benchmark::State& state) { run(state, false); }
static void BM_ResidualBlockBackward(benchmark::State& state) { run(state, true); }
BENCHMARK(BM_ResidualBlock)->Name("BM_ResidualBlock/forward")->Apply(once);
BENCHMARK(BM_ResidualBlockBackward)->Name("BM_ResidualBlock/forward_backward")->Apply(once);

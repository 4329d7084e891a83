// The norm inside the words' projection head, 16 reports, 2048 channels: all rows, the words alone, evaluation.
#include "axes.hpp"

#include <mgca/nn/token_norm.hpp>

using namespace mgca::bench;

static void run(benchmark::State& state, const mgca::Tensor& valid) {
  mgca::TokenNorm norm({.width = 2048});
  const auto x = unit_rows({16, kWords, 2048});
  forward_backward(state, [&] { return norm(x, valid).sum(); });
}
static void BM_TokenNorm(benchmark::State& state) { run(state, {}); }
static void BM_TokenNormMasked(benchmark::State& state) { run(state, ragged(16, kWords)); }
static void BM_TokenNormEvaluation(benchmark::State& state) {
  mgca::TokenNorm norm({.width = 2048});
  norm->eval();
  const auto x = unit_rows({16, kWords, 2048});
  forward(state, [&] { return norm(x); });
}
BENCHMARK(BM_TokenNorm)->Name("BM_TokenNorm/all")->Apply(once);
BENCHMARK(BM_TokenNormMasked)->Name("BM_TokenNorm/masked")->Apply(once);
BENCHMARK(BM_TokenNormEvaluation)->Name("BM_TokenNorm/evaluation")->Apply(once);

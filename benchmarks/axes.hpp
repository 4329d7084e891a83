// What benchmarks share: the sizes of the published model, and inputs of those sizes.
#pragma once

#include <mgca/tensor/torch.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>

namespace mgca::bench {

constexpr int64_t kWords = 111;       // word slots of a report of 112 tokens
constexpr int64_t kPatches = 196;     // of ViT-B/16 at 224 pixels
constexpr int64_t kRegions = 361;     // of ResNet-50 at 299 pixels
constexpr int64_t kEmbedding = 128;   // channels of the shared space
constexpr int64_t kPrototypes = 500;
constexpr int64_t kPairs = 72;        // published batch of one device

using Benchmark = benchmark::internal::Benchmark;

inline void batches(Benchmark* b) { b->Arg(16)->Arg(72)->Arg(144)->ArgName("pairs")->UseRealTime()->Unit(benchmark::kMicrosecond); }
inline void parts(Benchmark* b) { b->Arg(kPatches)->Arg(kRegions)->ArgName("parts")->UseRealTime()->Unit(benchmark::kMicrosecond); }
inline void once(Benchmark* b) { b->UseRealTime()->Unit(benchmark::kMicrosecond); }

// Unit rows with gradient, equal in every run.
inline Tensor unit_rows(at::IntArrayRef shape) {
  torch::manual_seed(1);
  const auto x = torch::randn(shape);
  return (x / x.norm(2, {-1}, true)).requires_grad_();
}

// Reports of 1 to N parts: (B, N) bool.
inline Tensor ragged(int64_t B, int64_t N) {
  torch::manual_seed(2);
  return torch::arange(N).unsqueeze(0).lt(torch::randint(1, N + 1, {B, 1}));
}

// The forward pass alone, without a graph.
template <class F>
void forward(benchmark::State& state, F f) {
  const torch::NoGradGuard no_grad;
  for (auto _ : state) benchmark::DoNotOptimize(f());
}

// Forward and backward of a scalar function.
template <class F>
void forward_backward(benchmark::State& state, F f) {
  for (auto _ : state) f().backward();
}

}  // namespace mgca::bench

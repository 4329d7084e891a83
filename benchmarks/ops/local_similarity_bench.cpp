// GLoRIA's loss of regions and words at its published size: 48 pairs, 97 words of 768 channels, a few reports at a time and all at once.
#include "axes.hpp"

#include <mgca/ops/contrast.hpp>
#include <mgca/ops/local_similarity.hpp>

using namespace mgca::bench;

static void BM_LocalSimilarity(benchmark::State& state) {
  constexpr int64_t pairs = 48, words = 97, width = 768;
  const auto regions = unit_rows({pairs, kRegions, width}), spoken = unit_rows({pairs, words, width});
  const auto valid = ragged(pairs, words);
  forward_backward(state, [&] {
    return mgca::ops::contrast_of(mgca::ops::local_similarity(regions, spoken, valid, {.reports_at_once = state.range(0)})).sum();
  });
}
BENCHMARK(BM_LocalSimilarity)->Name("BM_LocalSimilarity/forward_backward")->Arg(1)->Arg(8)->Arg(48)->ArgName("at_once")->UseRealTime()->Unit(benchmark::kMillisecond);

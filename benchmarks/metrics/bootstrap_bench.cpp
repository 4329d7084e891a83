// 14 areas under the curve of 200,000 images: one resample of the bootstrap, and DeLong's variance of one area.
#include <mgca/core/random.hpp>
#include <mgca/metrics/bootstrap.hpp>
#include <mgca/metrics/compare.hpp>
#include <mgca/metrics/ranked_scores.hpp>

#include <benchmark/benchmark.h>

namespace {

constexpr std::int64_t kImages = 200000;

struct Column {
  std::vector<float> scores;
  std::vector<std::uint8_t> labels;
};

Column column(std::uint64_t seed) {
  mgca::RandomStream random({.seed = seed}, mgca::Use::test);
  Column out;
  for (std::int64_t i = 0; i < kImages; ++i) {
    out.labels.push_back(random.uniform() < 0.1 ? 1 : 0);
    out.scores.push_back(static_cast<float>(random.uniform() + 0.3 * out.labels.back()));
  }
  return out;
}

}  // namespace

// Items are resamples: 1,000 take 1,000 / items_per_second.
static void BM_BootstrapAuc(benchmark::State& state) {
  mgca::metrics::RocAreas areas;
  for (std::uint64_t c = 0; c < 14; ++c) {
    const auto one = column(c);
    areas.findings.emplace_back(one.scores, one.labels);
  }
  constexpr std::int64_t resamples = 48;
  for (auto _ : state) benchmark::DoNotOptimize(mgca::metrics::bootstrap(kImages, areas, {.resamples = resamples, .threads = 1}));
  state.SetItemsProcessed(state.iterations() * resamples);
}
BENCHMARK(BM_BootstrapAuc)->Name("BM_BootstrapAuc/200000x14")->Unit(benchmark::kMillisecond);

static void BM_Delong(benchmark::State& state) {
  const auto one = column(1);
  for (auto _ : state) benchmark::DoNotOptimize(mgca::metrics::delong(one.scores, one.labels));
}
BENCHMARK(BM_Delong)->Name("BM_Delong/200000")->Unit(benchmark::kMillisecond);

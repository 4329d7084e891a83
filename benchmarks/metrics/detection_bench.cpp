// Mean average precision over eight thresholds of 10,000 images with as many detections each as asked for.
#include <mgca/core/random.hpp>
#include <mgca/metrics/detection.hpp>

#include <benchmark/benchmark.h>

static std::vector<mgca::ImageDetections> images(int detections) {
  mgca::RandomStream draw({.seed = 1}, mgca::Use::test);
  std::vector<mgca::ImageDetections> all(10'000);
  for (auto& image : all) {
    for (int i = 0; i < 4; ++i) {
      const double x = draw.uniform(0, 180), y = draw.uniform(0, 180);
      image.truth.push_back({x, y, x + 40, y + 40});
    }
    for (int i = 0; i < detections; ++i) {
      const double x = draw.uniform(0, 180), y = draw.uniform(0, 180);
      image.found.push_back({.box = {x, y, x + 40, y + 40}, .score = draw.uniform()});
    }
  }
  return all;
}

static void BM_MeanAveragePrecision(benchmark::State& state) {
  const auto all = images(static_cast<int>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(mgca::metrics::RankedDetections(all, {}).mean_average_precision());
}
static void BM_Resample(benchmark::State& state) {
  const auto all = images(static_cast<int>(state.range(0)));
  const mgca::metrics::RankedDetections ranked(all, {});
  const std::vector<std::uint32_t> once(all.size(), 1U);
  for (auto _ : state) benchmark::DoNotOptimize(ranked.mean_average_precision(once));
}
BENCHMARK(BM_MeanAveragePrecision)->Name("BM_MeanAveragePrecision/detections")->Arg(10)->Arg(100)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Resample)->Name("BM_MeanAveragePrecision/resample")->Arg(10)->Arg(100)->Unit(benchmark::kMillisecond);

// Searching an index of 200,000 images exactly: one sentence, ten answers.
#include <mgca/ops/unit.hpp>
#include <mgca/tasks/image_index.hpp>

#include <benchmark/benchmark.h>

static void nearest(benchmark::State& state) {
  const int64_t count = state.range(0);
  const mgca::ImageIndex index(mgca::ops::unit(torch::randn({count, 128})), std::vector<std::string>(static_cast<std::size_t>(count), "image"));
  const auto query = mgca::ops::unit(torch::randn({128}));
  for (auto _ : state) benchmark::DoNotOptimize(index.nearest(query, 10));
}
BENCHMARK(nearest)->Arg(200'000)->Unit(benchmark::kMillisecond)->UseRealTime();

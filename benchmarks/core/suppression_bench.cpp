// The boxes a YOLOv3 gives for a picture of 224 pixels, 3,087, all taken: as a network gives them, and none near another.
#include <mgca/core/random.hpp>
#include <mgca/core/suppression.hpp>

#include <benchmark/benchmark.h>

static std::vector<mgca::Detection> boxes(double spread) {
  std::vector<mgca::Detection> all;
  mgca::RandomStream draw({.seed = 1}, mgca::Use::test);
  constexpr std::array<std::array<double, 2>, 9> anchors{{{62.5, 48.5}, {84, 106.6}, {200.9, 175.5}, {16.2, 32.9}, {33.4, 24.2}, {31.8, 64.1}, {5.4, 7}, {8.6, 16.2}, {17.8, 12.4}}};
  for (int scale = 0; scale < 3; ++scale) {
    const int side = 7 << scale;
    for (int cell = 0; cell < side * side; ++cell) {
      for (int a = 0; a < 3; ++a) {
        const auto& anchor = anchors[static_cast<std::size_t>(3 * scale + a)];
        const double stride = 224.0 / side, cx = (cell % side + draw.uniform()) * stride, cy = (cell / side + draw.uniform()) * stride;
        all.push_back({.box = mgca::box_of(mgca::CentreSize{cx, cy, anchor[0] * std::exp(spread * draw.normal()), anchor[1] * std::exp(spread * draw.normal())}), .score = draw.uniform()});
      }
    }
  }
  return all;
}

static void run(benchmark::State& state, double spread, double threshold) {
  const auto all = boxes(spread);
  std::size_t kept = 0;
  for (auto _ : state) {
    const auto rows = mgca::non_maximum_suppression(all, {.threshold = threshold});
    kept = rows.size();
    benchmark::DoNotOptimize(kept);
  }
  state.counters["kept"] = static_cast<double>(kept);
}
static void BM_Trained(benchmark::State& state) { run(state, 0.2, 0.5); }
static void BM_Untrained(benchmark::State& state) { run(state, 1, 0.5); }
static void BM_NothingSuppressed(benchmark::State& state) { run(state, 1, 1); }
// Every box overlaps some others, none by a half: the cost when all stay.
static void BM_AllKept(benchmark::State& state) {
  std::vector<mgca::Detection> all;
  for (int i = 0; i < 3087; ++i) all.push_back({.box = {4.0 * (i % 56), 4.0 * (i / 56), 4.0 * (i % 56) + 10, 4.0 * (i / 56) + 10}, .score = i % 97 / 97.0});
  std::size_t kept = 0;
  for (auto _ : state) {
    kept = mgca::non_maximum_suppression(all).size();
    benchmark::DoNotOptimize(kept);
  }
  state.counters["kept"] = static_cast<double>(kept);
}
BENCHMARK(BM_Trained)->Name("BM_Suppression/trained")->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Untrained)->Name("BM_Suppression/untrained")->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_NothingSuppressed)->Name("BM_Suppression/threshold_1")->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_AllKept)->Name("BM_Suppression/all_kept")->Unit(benchmark::kMicrosecond);

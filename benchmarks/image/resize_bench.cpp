// A radiograph reduced to what is stored, from pixels and from a JPEG file.
#include "radiograph.hpp"

#include <mgca/image/geometry.hpp>
#include <mgca/io/image_file.hpp>

#include <benchmark/benchmark.h>

#include <cstdlib>

static void BM_AreaResize(benchmark::State& state) {
  const auto plane = mgca::bench::radiograph().plane();
  for (auto _ : state) benchmark::DoNotOptimize(mgca::image::resize(plane, {.height = 256, .width = 213}));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_AreaResize)->Name("BM_AreaResize/3056x2544_to_256x213")->Unit(benchmark::kMillisecond);

// The file a comparison names, or one made here.
static const std::vector<std::byte>& jpeg() {
  static const char* path = std::getenv("MGCA_BENCH_JPEG");
  static const auto bytes = path != nullptr ? mgca::read_file(path) : mgca::io::encode_jpeg(mgca::bench::radiograph().plane(), 95);
  return bytes;
}
static void BM_JpegDecode(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(mgca::io::decode_image(jpeg(), "radiograph"));
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(jpeg().size()) * state.iterations());
}
BENCHMARK(BM_JpegDecode)->Name("BM_JpegDecode/full")->Unit(benchmark::kMillisecond);

static void BM_JpegStored(benchmark::State& state) {
  for (auto _ : state) {
    const auto decoded = mgca::io::decode_image(jpeg(), "radiograph");
    benchmark::DoNotOptimize(mgca::image::fit_to_square(decoded.plane(), 256));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_JpegStored)->Name("BM_JpegDecode/fitted_to_256")->Unit(benchmark::kMillisecond);

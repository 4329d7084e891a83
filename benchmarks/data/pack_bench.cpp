// Crops of 224 x 224 pixels from a pack of 256 x 256 pictures, shuffled, as training reads them; and how fast a pack is made.
#include <mgca/core/random.hpp>
#include <mgca/data/pack_build.hpp>
#include <mgca/image/augment.hpp>
#include <mgca/image/intensity.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <bit>
#include <filesystem>
#include <memory>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::int64_t kCount = 8192, kSide = 256, kCrop = 224;  // 0.5 GB: more than any cache of the processor

struct Drawn {  // pictures that cost little to draw
  std::vector<mgca::Study> studies;
  std::vector<std::string> names;
  explicit Drawn(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) studies.push_back({.row = i + 1, .report = "heart normal"});
  }
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(studies.size()); }
  [[nodiscard]] const mgca::Study& record(std::int64_t i) const { return studies[static_cast<std::size_t>(i)]; }
  [[nodiscard]] mgca::GreyImage image(std::int64_t i) const {
    mgca::GreyImage picture({.height = kSide, .width = kSide});
    for (std::size_t k = 0; k < picture.pixels().size(); ++k)
      picture.pixels()[k] = static_cast<std::uint8_t>(k * static_cast<std::size_t>(i + 1) >> 7);
    return picture;
  }
  [[nodiscard]] const std::vector<std::string>& label_names() const { return names; }
};

struct TemporaryPack {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("mgca-bench-" + std::to_string(::getpid()) + ".pack");
  TemporaryPack() { (void)mgca::data::pack(Drawn(kCount), path, {.side = kSide}); }
  ~TemporaryPack() { std::filesystem::remove(path); }
};
const std::filesystem::path& pack_file() {
  static const TemporaryPack pack;
  return pack.path;
}

template <class Use>
void read(benchmark::State& state, mgca::PackCheck check, Use use) {
  const mgca::ImagePack pack(pack_file(), check);
  for (std::int64_t i = 0; i < kCount; ++i) (void)pack.picture(i);  // in the page cache, and seen once
  std::vector<std::uint8_t> crops(static_cast<std::size_t>(72 * kCrop * kCrop));
  std::uint64_t epoch = 0;
  auto order = mgca::permutation(kCount, {.epoch = epoch});
  std::size_t at = 0;
  for (auto _ : state) {
    for (std::size_t b = 0; b < 72; ++b, ++at) {
      if (at == order.size()) order = mgca::permutation(kCount, {.epoch = ++epoch}), at = 0;
      if (b == 0) {
        for (std::size_t k = at; k < std::min(at + 72, order.size()); ++k) pack.fetch(order[k]);
      }
      const std::span<std::uint8_t> crop(crops.data() + b * kCrop * kCrop, kCrop * kCrop);
      mgca::image::augment_into({.pixels = crop, .height = kCrop, .width = kCrop}, pack.picture(order[at]), {.crop = kCrop},
                                {.epoch = epoch, .sample = static_cast<std::uint64_t>(order[at])});
      use(b, crop);
    }
    benchmark::DoNotOptimize(crops.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(72 * state.iterations());
}

}  // namespace

static void BM_PackReadU8(benchmark::State& state) {
  read(state, mgca::PackCheck::first_read, [](std::size_t, std::span<std::uint8_t>) {});
}
static void BM_PackReadChecked(benchmark::State& state) {
  read(state, mgca::PackCheck::each_read, [](std::size_t, std::span<std::uint8_t>) {});
}
static void BM_PackReadBf16(benchmark::State& state) {  // one channel, as networks take them: the other two are views
  std::array<std::uint16_t, 256> level{};  // normalised, rounded to nearest even
  for (std::size_t value = 0; value < level.size(); ++value) {
    const auto bits = std::bit_cast<std::uint32_t>(mgca::image::normalised(static_cast<std::uint8_t>(value)));
    level[value] = static_cast<std::uint16_t>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
  }
  constexpr std::size_t plane = kCrop * kCrop;
  std::vector<std::uint16_t> network(72 * plane);
  read(state, mgca::PackCheck::first_read, [&](std::size_t b, std::span<std::uint8_t> crop) {
    auto* to = network.data() + b * plane;
    for (std::size_t k = 0; k < plane; ++k) to[k] = level[crop[k]];
    benchmark::DoNotOptimize(to);
  });
}
static void BM_PackOpen(benchmark::State& state) {
  for (auto _ : state) {
    const mgca::ImagePack pack(pack_file(), state.range(0) != 0 ? mgca::PackCheck::at_open : mgca::PackCheck::first_read);
    benchmark::DoNotOptimize(pack.size());
  }
  state.SetItemsProcessed(kCount * state.iterations());
}
static void BM_PackBuild(benchmark::State& state) {
  const Drawn data(1024);
  const auto path = std::filesystem::temp_directory_path() / ("mgca-bench-build-" + std::to_string(::getpid()) + ".pack");
  for (auto _ : state) {
    (void)mgca::data::pack(data, path, {.side = kSide, .threads = 1});
    std::filesystem::remove(path);
  }
  state.SetItemsProcessed(data.size() * state.iterations());
}
BENCHMARK(BM_PackReadU8)->Name("BM_PackRead/u8")->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_PackReadChecked)->Name("BM_PackRead/u8_checked_each_time")->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_PackReadBf16)->Name("BM_PackRead/bf16")->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_PackOpen)->Name("BM_PackOpen")->Arg(0)->Arg(1)->ArgName("all_checked")->Unit(benchmark::kMillisecond);
BENCHMARK(BM_PackBuild)->Name("BM_PackBuild/writing_alone")->Unit(benchmark::kMillisecond);

#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/random.hpp>
#include <mgca/core/suppression.hpp>

#include <limits>
#include <numeric>

using mgca::Detection;
using mgca::non_maximum_suppression;
using mgca::SuppressionOptions;

namespace {

std::vector<Detection> random_boxes(std::uint64_t seed, int count, double largest) {
  mgca::RandomStream draw({.seed = seed}, mgca::Use::test);
  std::vector<Detection> all;
  for (int i = 0; i < count; ++i) {
    const double x = draw.uniform(0, 60), y = draw.uniform(0, 60);
    all.push_back({.box = {x, y, x + std::exp(draw.uniform(-2, std::log(largest))), y + std::exp(draw.uniform(-2, std::log(largest)))},
                   .score = std::floor(draw.uniform(0, 20)) / 20,  // with ties
                   .label = static_cast<std::int64_t>(draw.below(3))});
  }
  return all;
}

// Every box against every surer one.
std::vector<std::int64_t> by_definition(const std::vector<Detection>& all, const SuppressionOptions& o) {
  std::vector<std::int64_t> order(all.size()), kept;
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto at = [&](std::int64_t i) { return all[static_cast<std::size_t>(i)]; };
  std::stable_sort(order.begin(), order.end(), [&](auto l, auto r) { return at(l).label != at(r).label ? at(l).label < at(r).label : at(l).score > at(r).score; });
  for (const auto i : order) {
    auto wide = at(i).box;
    wide.x2 += o.pixel;
    wide.y2 += o.pixel;
    const bool stays = std::none_of(kept.begin(), kept.end(), [&](auto k) {
      auto other = at(k).box;
      other.x2 += o.pixel;
      other.y2 += o.pixel;
      return at(k).label == at(i).label && mgca::iou(wide, other) >= o.threshold;
    });
    if (stays) kept.push_back(i);
  }
  return kept;
}

}  // namespace

TEST_CASE("suppression: keeps what comparing every pair keeps, at every threshold, size and pixel convention", "[core][fast]") {
  for (const double threshold : {0.05, 0.3, 0.5, 0.9, 1.0}) {
    for (const double pixel : {0.0, 1.0}) {
      for (const double largest : {2.0, 40.0}) {
        const auto boxes = random_boxes(static_cast<std::uint64_t>(threshold * 100 + largest), 150, largest);
        const SuppressionOptions options{.threshold = threshold, .pixel = pixel};
        INFO(threshold << " " << pixel << " " << largest);
        CHECK(non_maximum_suppression(boxes, options) == by_definition(boxes, options));
      }
    }
  }
}

// Sets that shortcuts get wrong: many boxes at exactly the threshold, copies, all at one place, one far out, thin ones, huge coordinates.
TEST_CASE("suppression: keeps what comparing every pair keeps of sets made to mislead", "[core][fast]") {
  mgca::RandomStream draw({.seed = 9}, mgca::Use::test);
  const auto whole = [&](double most) { return std::floor(draw.uniform(0, most)); };
  for (int set = 0; set < 6; ++set) {
    std::vector<Detection> boxes;
    for (int i = 0; i < 120; ++i) {
      const double x = whole(8), y = whole(8), w = 1 + whole(4), h = 1 + whole(4);
      mgca::Box box{x, y, x + w, y + h};
      if (set == 1) box = {0, 0, std::exp(draw.uniform(-3, 6)), std::exp(draw.uniform(-3, 6))};
      if (set == 2 && i == 7) box = {4e14, 0, 4e14 + 4, 4};
      if (set == 3) box = {x / 8, y * 1000, x / 8 + w / 16, y * 1000 + h * 1000};
      if (set == 4) box = {1e9 + x * 0x1p-20, y - 1e9, 1e9 + (x + w) * 0x1p-20, y + h - 1e9};
      if (set == 5) box = {x * 1e-25, y * 1e-25, (x + w) * 1e-25, (y + h) * 1e-25};
      boxes.push_back({.box = box, .score = whole(5), .label = i % 2});
    }
    for (const double threshold : {1e-9, 0.1, 1.0 / 3, 0.5, 0.6, 1.0}) {
      for (const double pixel : {0.0, 1.0}) {
        INFO("set " << set << ", threshold " << threshold << ", pixel " << pixel);
        const SuppressionOptions options{.threshold = threshold, .pixel = pixel};
        CHECK(non_maximum_suppression(boxes, options) == by_definition(boxes, options));
      }
    }
  }
}

TEST_CASE("suppression: a box goes at exactly the threshold, with corners that name pixels", "[core][fast]") {
  const std::vector<Detection> boxes{{{0, 0, 9, 9}, 0.9}, {{0, 0, 9, 4}, 0.8}, {{0, 5, 9, 9}, 0.8}, {{0, 0, 9, 3}, 0.7}};  // 100, 50, 50 and 40 pixels
  CHECK(non_maximum_suppression(boxes) == std::vector<std::int64_t>{0, 3});
  CHECK(non_maximum_suppression(boxes, {.threshold = 0.51}) == std::vector<std::int64_t>{0, 1, 2});  // 40 of 50 pixels
  CHECK(non_maximum_suppression({}).empty());
}

TEST_CASE("suppression: boxes turned inside out stay and touch nothing; what is not finite or too far out is refused by its position", "[core][fast]") {
  const std::vector<Detection> odd{{{5, 5, 2, 9}, 0.9}, {{5, 5, 2, 9}, 0.8}, {{0, 0, 9, 9}, 0.7}};
  CHECK(non_maximum_suppression(odd).size() == 3);
  auto bad = odd;
  for (const double x : {std::numeric_limits<double>::quiet_NaN(), 1e16}) {
    bad[1].box.x2 = x;
    mgca::test::expect_error([&] { (void)non_maximum_suppression(bad); }, {"detection 1", "diverged"});
  }
  mgca::test::expect_error([&] { (void)non_maximum_suppression(odd, {.threshold = 0}); }, {"above 0 and up to 1, got 0"});
}

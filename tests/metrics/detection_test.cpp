#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/random.hpp>
#include <mgca/metrics/bootstrap.hpp>
#include <mgca/metrics/detection.hpp>

#include <limits>

using mgca::Box;
using mgca::coco_scoring;
using mgca::CountedImages;
using mgca::ImageDetections;
using mgca::MatchRule;
using mgca::metrics::RankedDetections;

namespace {

const Box kBox{0, 0, 10, 10};
const Box kFar{50, 50, 60, 60};

double map_of(const std::vector<ImageDetections>& images, const mgca::DetectionScoring& scoring) {
  return RankedDetections(images, scoring).mean_average_precision().value();
}

std::vector<ImageDetections> random_images(std::uint64_t seed, int count) {
  mgca::RandomStream draw({.seed = seed}, mgca::Use::test);
  std::vector<ImageDetections> images(static_cast<std::size_t>(count));
  for (auto& image : images) {
    for (auto boxes = draw.below(4); boxes > 0; --boxes) {
      const double x = draw.uniform(0, 90), y = draw.uniform(0, 90);
      image.truth.push_back({x, y, x + draw.uniform(5, 30), y + draw.uniform(5, 30)});
      if (draw.uniform() < 0.7) {
        auto moved = image.truth.back();
        moved.x1 += draw.uniform(-4, 4);
        moved.y2 += draw.uniform(-4, 4);
        image.found.push_back({.box = moved, .score = draw.uniform()});
      }
    }
    if (draw.uniform() < 0.5) image.found.push_back({.box = {1, 1, 20, 20}, .score = draw.uniform()});
  }
  return images;
}

}  // namespace

TEST_CASE("detection: precision falls with false alarms surer than the hits, and is read at 101 recalls", "[metrics][fast]") {
  CHECK(map_of({{{{kBox, 0.9}}, {kBox}}}, {}) == Approx(1));
  CHECK(map_of({{{{kFar, 0.9}, {kBox, 0.8}}, {kBox}}}, {}) == Approx(0.5));
  CHECK(map_of({{{{kBox, 0.9}}, {kBox, kFar}}}, coco_scoring()) == Approx(51.0 / 101));  // recall stops at a half
  CHECK(map_of({{{{kBox, 0.9}, {kBox, 0.8}}, {kBox}}}, {}) == Approx(1));                 // a second box on one truth is a false alarm, but late
  CHECK(map_of({{{}, {kBox}}}, {}) == 0);
  CHECK_FALSE(RankedDetections(std::vector<ImageDetections>{{{{kBox, 0.9}}, {}}}, {}).mean_average_precision().has_value());
}

TEST_CASE("detection: the published convention wants more than the threshold, COCO's the threshold itself", "[metrics][fast]") {
  const std::vector<ImageDetections> half{{{{{0, 0, 10, 5}, 0.9}}, {kBox}}};  // IoU 0.5
  const auto at = [&](MatchRule rule) { return map_of(half, {.thresholds = {0.5}, .rule = rule}); };
  CHECK(at(MatchRule::above) == 0);
  CHECK(at(MatchRule::at_least) == 1);
}

TEST_CASE("detection: ten truths tell single-precision recall from double", "[metrics][fast]") {
  // Seven of ten found: in single precision that reaches the level 0.70, in double the level is 0.7000000000000001.
  std::vector<ImageDetections> images(1);
  for (int i = 0; i < 10; ++i) images[0].truth.push_back({20.0 * i, 0, 20.0 * i + 10, 10});
  for (int i = 0; i < 7; ++i) images[0].found.push_back({images[0].truth[static_cast<std::size_t>(i)], 0.9});
  CHECK(map_of(images, {}) == Approx(71.0 / 101));
  CHECK(map_of(images, coco_scoring()) == Approx(70.0 / 101));
  for (const auto rule : {MatchRule::above, MatchRule::at_least}) {
    const auto levels = mgca::metrics::recall_levels(rule);
    CHECK((levels.size() == 101 && levels.front() == 0 && levels.back() == 1 && std::is_sorted(levels.begin(), levels.end())));
  }
}

TEST_CASE("detection: the published code does not see misses and false alarms on other images", "[metrics][fast]") {
  const std::vector<ImageDetections> images{{{{kBox, 0.5}}, {kBox}}, {{}, {kBox}}, {{{kBox, 0.9}}, {}}};
  CHECK(map_of(images, {.images = CountedImages::found_and_true}) == Approx(1));
  CHECK(map_of(images, {}) == Approx(0.5 * 51 / 101));
}

TEST_CASE("detection: at most a hundred boxes of an image count", "[metrics][fast]") {
  std::vector<ImageDetections> images(1);
  for (int i = 0; i < 100; ++i) images[0].found.push_back({kFar, 0.9});
  images[0].found.push_back({kBox, 0.8});
  images[0].truth = {kBox};
  CHECK(map_of(images, {}) == 0);
  CHECK(map_of(images, {.most = 101}) == Approx(1.0 / 101));
}

TEST_CASE("detection: weights count as repeated images do, so that a bootstrap needs no new matching", "[metrics][fast]") {
  const auto images = random_images(3, 40);
  for (const auto& scoring : {mgca::DetectionScoring{}, mgca::DetectionScoring{.images = CountedImages::found_and_true}, coco_scoring()}) {
    const RankedDetections ranked(images, scoring);
    mgca::RandomStream draw({.seed = 5}, mgca::Use::test);
    for (int trial = 0; trial < 5; ++trial) {
      std::vector<std::uint32_t> times;
      std::vector<ImageDetections> repeated;
      for (const auto& image : images) {
        times.push_back(static_cast<std::uint32_t>(draw.below(3)));
        for (std::uint32_t i = 0; i < times.back(); ++i) repeated.push_back(image);
      }
      const RankedDetections again(repeated, scoring);
      CHECK(ranked.mean_average_precision(times).value() == Approx(again.mean_average_precision().value()).epsilon(1e-12));
      CHECK(mgca::metrics::froc(ranked, 0, times) == mgca::metrics::froc(again));
    }
    const auto interval = mgca::metrics::bootstrap(ranked.images(), [&](const mgca::Resample& r) { return ranked.mean_average_precision(r.times); },
                                                   {.resamples = 50, .seed = 1, .threads = 1});
    CHECK((*interval.low < *interval.estimate && *interval.estimate < *interval.high));
  }
}

TEST_CASE("detection: the free-response curve takes detections of one score together", "[metrics][fast]") {
  // Two images: a hit at 0.9; a hit and a false alarm at 0.8; one more false alarm at 0.7, then the last hit.
  const std::vector<ImageDetections> images{{{{kBox, 0.9}, {kFar, 0.8}}, {kBox}}, {{{kBox, 0.8}, {{30, 0, 40, 10}, 0.7}, {kFar, 0.6}}, {kBox, kFar}}};
  const RankedDetections ranked(images, {.thresholds = {0.5}});
  CHECK(ranked.sensitivity_at(0.25).value() == Approx(1.0 / 3));
  CHECK(ranked.sensitivity_at(0.5).value() == Approx(2.0 / 3));
  CHECK(ranked.sensitivity_at(1).value() == Approx(1));
  const auto curve = mgca::metrics::froc(ranked);
  CHECK((curve.size() == 7 && curve[0] == ranked.sensitivity_at(0.125) && curve[6] == 1.0));
}

TEST_CASE("detection: what is not finite is refused by image and position, as are thresholds outside their range", "[metrics][fast]") {
  using mgca::test::expect_error;
  std::vector<ImageDetections> images{{{{kBox, 0.9}}, {kBox}}, {{{kBox, std::numeric_limits<double>::quiet_NaN()}}, {kBox}}};
  expect_error([&] { (void)map_of(images, {}); }, {"image 1, detection 0", "not finite"});
  images.pop_back();
  expect_error([&] { (void)map_of(images, {.thresholds = {1.5}}); }, {"[0, 1), got 1.5"});
  const std::vector<std::uint32_t> three(3, 1U);
  expect_error([&] { (void)RankedDetections(images, {}).mean_average_precision(three); }, {"3 weights for 1 images"});
}

#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/random.hpp>
#include <mgca/metrics/bootstrap.hpp>
#include <mgca/metrics/dice.hpp>

using mgca::GreyImage;
namespace metrics = mgca::metrics;

namespace {

// Blobs: a random field that is marked where the mean of its neighbourhood is high.
GreyImage blobs(std::int64_t height, std::int64_t width, std::uint64_t seed, double part) {
  mgca::RandomStream random({.seed = seed}, mgca::Use::test);
  mgca::Image<double> field({.height = height, .width = width});
  for (auto& value : field.pixels()) value = random.uniform();
  GreyImage mask({.height = height, .width = width});
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      double sum = 0, count = 0;
      for (auto v = std::max<std::int64_t>(0, y - 1); v < std::min(height, y + 2); ++v) {
        for (auto u = std::max<std::int64_t>(0, x - 1); u < std::min(width, x + 2); ++u) sum += field.at(v, u), ++count;
      }
      mask.at(y, x) = sum / count < part ? 255 : 0;
    }
  }
  return mask;
}

double nearest(const GreyImage& sites, std::int64_t y, std::int64_t x, const mgca::PixelSpacing& spacing) {
  double best = std::numeric_limits<double>::infinity();
  for (std::int64_t v = 0; v < sites.height(); ++v) {
    for (std::int64_t u = 0; u < sites.width(); ++u) {
      const double dy = spacing.down * static_cast<double>(v - y), dx = spacing.across * static_cast<double>(u - x);
      if (sites.at(v, u) != 0) best = std::min(best, dy * dy + dx * dx);
    }
  }
  return best;
}

GreyImage edge_of(const GreyImage& mask) {
  GreyImage edge(mask.size());
  const auto in = [&](std::int64_t y, std::int64_t x) {
    return y >= 0 && x >= 0 && y < mask.height() && x < mask.width() && mask.at(y, x) != 0;
  };
  for (std::int64_t y = 0; y < mask.height(); ++y) {
    for (std::int64_t x = 0; x < mask.width(); ++x)
      edge.at(y, x) = in(y, x) && !(in(y - 1, x) && in(y + 1, x) && in(y, x - 1) && in(y, x + 1)) ? 1 : 0;
  }
  return edge;
}

std::optional<double> slow_hausdorff95(const GreyImage& a, const GreyImage& b, const mgca::PixelSpacing& spacing) {
  const auto from = edge_of(a), to = edge_of(b);
  const auto one_way = [&](const GreyImage& p, const GreyImage& q) {
    std::vector<double> all;
    for (std::int64_t y = 0; y < p.height(); ++y) {
      for (std::int64_t x = 0; x < p.width(); ++x) {
        if (p.at(y, x) != 0) all.push_back(std::sqrt(nearest(q, y, x, spacing)));
      }
    }
    std::sort(all.begin(), all.end());
    if (all.empty()) return std::numeric_limits<double>::infinity();
    const double place = 0.95 * static_cast<double>(all.size() - 1), low = std::floor(place);
    const auto i = static_cast<std::size_t>(low);
    return all[i] * (1 - (place - low)) + all[std::min(i + 1, all.size() - 1)] * (place - low);
  };
  const double both = std::max(one_way(from, to), one_way(to, from));
  return std::isinf(both) ? std::nullopt : std::optional(both);
}

}  // namespace

TEST_CASE("squared_distances: equal to trying every site, in every spacing and down to one row or column", "[metrics][fast]") {
  for (const auto& [height, width, part] :
       {std::tuple<std::int64_t, std::int64_t, double>{9, 13, 0.42}, {1, 17, 0.5}, {14, 1, 0.45}, {12, 7, 0.36}}) {
    for (const auto& spacing : {mgca::PixelSpacing{}, mgca::PixelSpacing{.down = 0.143, .across = 2.5}}) {
      const auto sites = blobs(height, width, static_cast<std::uint64_t>(height * width), part);
      const auto found = metrics::squared_distances(sites.plane(), spacing);
      for (std::int64_t y = 0; y < height; ++y) {
        for (std::int64_t x = 0; x < width; ++x) {
          const double expected = nearest(sites, y, x, spacing);
          CHECK((found.at(y, x) == expected || std::abs(found.at(y, x) - expected) < 1e-9 * expected));
        }
      }
    }
  }
  const GreyImage nothing({.height = 3, .width = 4});
  const auto far = metrics::squared_distances(nothing.plane());
  for (const double value : far.pixels()) CHECK(std::isinf(value));
}

TEST_CASE("hausdorff95: equal to the definition on random masks; nothing where one is empty", "[metrics][fast]") {
  int defined = 0;
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    const auto a = blobs(11, 15, seed, 0.38), b = blobs(11, 15, seed + 100, seed % 4 == 0 ? 0.12 : 0.40);
    const mgca::PixelSpacing spacing{.down = 1.5, .across = 0.5};
    const auto found = metrics::hausdorff95({.predicted = a.plane(), .truth = b.plane()}, spacing),
               expected = slow_hausdorff95(a, b, spacing);
    REQUIRE(found.has_value() == expected.has_value());
    defined += found ? 1 : 0;
    if (found) CHECK(*found == Approx(*expected).epsilon(1e-12));
  }
  CHECK((defined > 12 && defined < 24));
  GreyImage square({.height = 20, .width = 20}), moved({.height = 20, .width = 20});
  for (std::int64_t y = 5; y < 12; ++y) {
    for (std::int64_t x = 5; x < 12; ++x) square.at(y, x) = 1, moved.at(y, x + 4) = 1;
  }
  CHECK(*metrics::hausdorff95({.predicted = square.plane(), .truth = moved.plane()}, {.across = 0.2}) == Approx(0.8));
  CHECK(*metrics::hausdorff95({.predicted = square.plane(), .truth = square.plane()}) == 0);
}

TEST_CASE("mask_score: the official rule for an empty truth, and the same for its union", "[metrics][fast]") {
  GreyImage empty({.height = 4, .width = 4}), one = empty, three = empty;
  one.at(1, 1) = 255;
  three.at(1, 1) = three.at(1, 2) = three.at(3, 3) = 1;
  const auto score = [](const GreyImage& p, const GreyImage& t) {
    return metrics::mask_score({.predicted = p.plane(), .truth = t.plane()});
  };
  CHECK((score(empty, empty).dice == 1 && score(empty, empty).iou == 1 && !score(empty, empty).hausdorff95));
  CHECK((score(one, empty).dice == 0 && score(one, empty).iou == 0));
  CHECK((score(empty, one).dice == 0 && score(empty, one).iou == 0 && !score(empty, one).hausdorff95));
  CHECK((score(one, three).dice == 0.5 && score(one, three).iou == Approx(1.0 / 3)));
  CHECK((score(one, three).predicted == 1 && score(one, three).truth == 3 && score(one, three).both == 1));
}

TEST_CASE("mask_score: what stands in ignored pixels changes nothing", "[metrics][fast]") {
  const auto truth = blobs(16, 16, 3, 0.45), predicted = blobs(16, 16, 4, 0.45);
  GreyImage ignored({.height = 16, .width = 16}), p = predicted, t = truth;
  for (std::int64_t y = 4; y < 9; ++y) {
    for (std::int64_t x = 2; x < 14; ++x) ignored.at(y, x) = 1, p.at(y, x) = static_cast<std::uint8_t>(255 - p.at(y, x)), t.at(y, x) = 0;
  }
  const auto a = metrics::mask_score({.predicted = predicted.plane(), .truth = truth.plane(), .ignored = ignored.plane()});
  const auto b = metrics::mask_score({.predicted = p.plane(), .truth = t.plane(), .ignored = ignored.plane()});
  const auto with = metrics::mask_score({.predicted = predicted.plane(), .truth = truth.plane()});
  CHECK((a.dice == b.dice && a.iou == b.iou && a.truth == b.truth && a.predicted == b.predicted));
  CHECK((a.truth < with.truth && a.dice != with.dice));
  CHECK(a.dice == Approx(2 * a.iou / (1 + a.iou)));
}

TEST_CASE("mask_summary: means over images with intervals; images without distance are counted and left out of its mean",
          "[metrics][fast]") {
  std::vector<mgca::MaskScore> scores;
  for (std::uint64_t seed = 0; seed < 30; ++seed)
    scores.push_back(
        metrics::mask_score({.predicted = blobs(8, 8, seed, 0.5).plane(), .truth = blobs(8, 8, seed + 50, seed < 3 ? 0.0 : 0.5).plane()}));
  double dice = 0, distance = 0;
  for (const auto& score : scores) dice += score.dice, distance += score.hausdorff95.value_or(0);
  const auto found = metrics::mask_summary(scores, {.resamples = 200, .threads = 1});
  CHECK((found.without_distance == 3 && *found.dice.estimate == Approx(dice / 30) && *found.hausdorff95.estimate == Approx(distance / 27)));
  CHECK((*found.iou.low < *found.iou.estimate && *found.iou.estimate < *found.iou.high && *found.iou.estimate < *found.dice.estimate));
  const auto none = metrics::mask_summary(std::span(scores).first(3), {.resamples = 20, .threads = 1});
  CHECK((!none.hausdorff95.estimate && none.hausdorff95.undefined == 20 && *none.dice.estimate == 0));
  mgca::test::expect_error([] { (void)metrics::mask_summary({}); }, {"1 to", "0"});
}

TEST_CASE("mask_score: masks of two sizes and a spacing of nothing are refused", "[metrics][fast]") {
  const GreyImage a({.height = 4, .width = 4}), b({.height = 4, .width = 5});
  mgca::test::expect_error([&] { (void)metrics::mask_score({.predicted = a.plane(), .truth = b.plane()}); }, {"4 x 4", "4 x 5"});
  mgca::test::expect_error([&] { (void)metrics::mask_score({.predicted = a.plane(), .truth = a.plane(), .ignored = b.plane()}); },
                           {"ignored", "4 x 5"});
  mgca::test::expect_error([&] { (void)metrics::squared_distances(a.plane(), {.down = 0}); }, {"spacing", "0"});
}

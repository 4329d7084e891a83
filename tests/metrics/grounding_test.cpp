#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/metrics/grounding.hpp>

using mgca::Box;
using mgca::Image;
using mgca::metrics::grounding;
using mgca::test::expect_error;

namespace {

// 4 x 4, the two pixels (1, 1) and (1, 2) at `high`, the rest at `low`.
Image<float> spot(float high, float low) {
  Image<float> map({.height = 4, .width = 4}, low);
  map.at(1, 1) = high;
  map.at(1, 2) = high;
  return map;
}
const std::vector<Box> kSpotBox{{1, 1, 3, 2}};

}  // namespace

TEST_CASE("grounding: a map that marks just the box is a hit with IoU and Dice 1 and infinite contrast", "[metrics][fast]") {
  const auto found = grounding(spot(1, 0).plane(), kSpotBox);
  CHECK(found.hit);
  CHECK(found.mean_iou() == 1);
  CHECK(found.mean_dice() == 1);
  CHECK(found.box_share == 2.0 / 16);
  CHECK(std::isinf(found.contrast.value()));
}

TEST_CASE("grounding: values by hand where the map and the box overlap by half", "[metrics][fast]") {
  auto map = spot(0.45F, 0.05F);
  const std::vector<Box> right{{2, 1, 4, 2}};  // (1, 2) and (1, 3): one of the two bright pixels
  const auto found = grounding(map.plane(), right);
  CHECK_FALSE(found.hit);  // the first of the highest is (1, 1)
  CHECK(found.iou[0] == Approx(1.0 / 3));
  CHECK(found.dice[3] == Approx(0.5));
  CHECK(found.iou[4] == 0);  // nothing reaches 0.5
  CHECK(found.mean_iou() == Approx(4.0 / 15));
  // inside 0.45, 0.05: mean 0.25, variance 0.04; outside one of 14 is bright: mean 0.05 + 0.4 / 14, variance 0.16 * 13 / 196
  const double outside = 0.05 + 0.4 / 14;
  CHECK(found.contrast.value() == Approx((0.25 - outside) / std::sqrt(0.04 + 0.16 * 13 / 196)).epsilon(1e-5));
}

TEST_CASE("grounding: several boxes are one region, counted once where they overlap", "[metrics][fast]") {
  const std::vector<Box> two{{1, 1, 3, 2}, {2, 1, 4, 2}};
  const auto found = grounding(spot(1, 0).plane(), two);
  CHECK(found.box_share == 3.0 / 16);
  CHECK(found.iou[0] == Approx(2.0 / 3));
}

TEST_CASE("grounding: a constant map has contrast 0, and boxes over the whole image none", "[metrics][fast]") {
  CHECK(grounding(spot(0.3F, 0.3F).plane(), kSpotBox).contrast.value() == 0);
  CHECK_FALSE(grounding(spot(1, 0).plane(), std::vector<Box>{{0, 0, 4, 4}}).contrast.has_value());
}

TEST_CASE("grounding: adding a constant to the map leaves hit and contrast as they are", "[metrics][fast]") {
  auto map = spot(0.4F, 0.1F), high = spot(1000.4F, 1000.1F);
  map.at(3, 3) = 0.2F;
  high.at(3, 3) = 1000.2F;
  const auto a = grounding(map.plane(), kSpotBox), b = grounding(high.plane(), kSpotBox);
  CHECK(a.hit == b.hit);
  CHECK(b.contrast.value() == Approx(a.contrast.value()).epsilon(1e-2));
}

TEST_CASE("grounding: maps and boxes that mean nothing are refused", "[metrics][fast]") {
  auto map = spot(1, 0);
  expect_error([&] { (void)grounding(map.plane(), {}); }, {"without a box"});
  expect_error([&] { (void)grounding(map.plane(), std::vector<Box>{{5, 5, 9, 9}}); }, {"no pixel", "4 x 4"});
  map.at(2, 3) = std::nanf("");
  expect_error([&] { (void)grounding(map.plane(), kSpotBox); }, {"NaN", "row 2", "column 3"});
}

TEST_CASE("grounding: a box holds a pixel if it holds its centre", "[metrics][fast]") {
  const auto holds = [](Box box) { return mgca::metrics::holds_pixel(std::vector<Box>{box}, {.height = 4, .width = 4}); };
  CHECK(holds({0, 0, 1, 1}));
  CHECK(holds({0.5, 0.5, 0.6, 0.6}));
  CHECK_FALSE(holds({0.6, 0.6, 1.4, 1.4}));
  CHECK_FALSE(holds({0.1, 0.1, 0.5, 3}));
  CHECK_FALSE(holds({4, 0, 5, 4}));
  CHECK_FALSE(holds({-3, 0, -1, 4}));
  CHECK(holds({-3, -3, 0.7, 9}));
}

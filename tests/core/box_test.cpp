#include "catch.hpp"

#include <mgca/core/box.hpp>
#include <mgca/core/random.hpp>

#include <limits>

using mgca::Box;

TEST_CASE("box: annotation, detector and corner forms convert into each other", "[core][fast]") {
  const Box box = mgca::box_of(mgca::CornerSize{.x = 10, .y = 20, .width = 30, .height = 40});
  CHECK(box == Box{10, 20, 40, 60});
  CHECK(mgca::box_of(mgca::centre_of(box)) == box);
  CHECK(box.scaled(2, 0.5) == Box{20, 10, 80, 30});
}

TEST_CASE("box: overlap is a share of the union", "[core][fast]") {
  const Box box{10, 20, 40, 60};
  CHECK(mgca::iou(box, box) == 1);
  CHECK(mgca::iou({0, 0, 2, 2}, {1, 1, 3, 3}) == Approx(1.0 / 7));
  CHECK(mgca::iou({0, 0, 1, 1}, {2, 2, 3, 3}) == 0);
  mgca::RandomStream random({.seed = 2}, mgca::Use::test);
  const auto some = [&] {
    const double x = random.uniform(-5, 5), y = random.uniform(-5, 5);
    return Box{x, y, x + random.uniform(0, 6), y + random.uniform(0, 6)};
  };
  for (int i = 0; i < 1000; ++i) {
    const Box a = some(), b = some();
    const double share = mgca::iou(a, b);
    REQUIRE((share >= 0 && share <= 1));
    REQUIRE(share == mgca::iou(b, a));
    REQUIRE(share == Approx(mgca::iou(a.scaled(3, 7), b.scaled(3, 7))).margin(1e-12));
  }
}

TEST_CASE("box: empty, inverted and undefined boxes overlap nothing", "[core][fast]") {
  const Box good{0, 0, 2, 2};
  CHECK(mgca::iou({0, 0, 0, 0}, {0, 0, 0, 0}) == 0);
  CHECK(Box{3, 3, 1, 1}.area() == 0);
  CHECK(mgca::iou({2, 2, 0, 0}, good) == 0);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(mgca::iou({nan, nan, nan, nan}, good) == 0);
}

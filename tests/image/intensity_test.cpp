#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/image/intensity.hpp>

#include <vector>

using mgca::image::scaled_to_bytes;

TEST_CASE("normalised: 0 becomes -1, 255 becomes 1, steps are even", "[image][fast]") {
  CHECK(mgca::image::normalised(0) == -1.0F);
  CHECK(mgca::image::normalised(255) == 1.0F);
  for (int v = 1; v < 256; ++v) {
    const float step = mgca::image::normalised(static_cast<uint8_t>(v)) - mgca::image::normalised(static_cast<uint8_t>(v - 1));
    REQUIRE(step == Approx(2.0 / 255).epsilon(1e-4));
  }
}

TEST_CASE("scaled_to_bytes: the brightest becomes 255, halves go to the even neighbour", "[image][fast]") {
  mgca::Image<uint16_t> image({.height = 1, .width = 4});
  const std::vector<uint16_t> values{0, 1, 3, 510};
  std::copy(values.begin(), values.end(), image.pixels().begin());
  const auto out = scaled_to_bytes(image.plane());
  CHECK(std::vector<int>(out.pixels().begin(), out.pixels().end()) == std::vector<int>{0, 0, 2, 255});  // 0.5 -> 0, 1.5 -> 2
}

TEST_CASE("scaled_to_bytes: order is kept over the whole range", "[image][fast]") {
  mgca::Image<uint16_t> ramp({.height = 256, .width = 256});
  for (std::size_t i = 0; i < ramp.pixels().size(); ++i) ramp.pixels()[i] = static_cast<uint16_t>(i);
  const auto out = scaled_to_bytes(ramp.plane());
  CHECK(std::is_sorted(out.pixels().begin(), out.pixels().end()));
  CHECK(out.pixels().front() == 0);
  CHECK(out.pixels().back() == 255);
}

TEST_CASE("scaled_to_bytes: a black picture stays black, no pixels and colour are refused", "[image][fast]") {
  const mgca::Image<uint16_t> black({.height = 3, .width = 2}), colour({.height = 2, .width = 2, .channels = 3});
  const auto out = scaled_to_bytes(black.plane());
  CHECK(std::all_of(out.pixels().begin(), out.pixels().end(), [](uint8_t v) { return v == 0; }));
  mgca::test::expect_error([&] { (void)scaled_to_bytes(colour.plane()); }, {"one channel", "3"});
  mgca::test::expect_error([] { (void)scaled_to_bytes(mgca::Image<uint16_t>().plane()); }, {"0 x 0"});
}

#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/random.hpp>

#include <set>

using mgca::RandomKey;
using mgca::RandomStream;
using mgca::Use;

TEST_CASE("random: Philox gives the published answers", "[core][golden][fast]") {
  using Block = mgca::detail::PhiloxBlock;
  CHECK(mgca::detail::philox({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr uint32_t ones = 0xFFFFFFFF;
  CHECK(mgca::detail::philox({ones, ones, ones, ones}, {ones, ones}) == Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(mgca::detail::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("random: an address names a stream, every part of it counts", "[core][fast]") {
  const RandomKey key{.seed = 1, .epoch = 2, .sample = 3};
  CHECK(mgca::draw(key, Use::crop) == mgca::draw(key, Use::crop));
  std::set<double> seen{mgca::draw(key, Use::crop), mgca::draw(key, Use::flip), mgca::draw({.seed = 2, .epoch = 2, .sample = 3}, Use::crop),
                        mgca::draw({.seed = 1, .epoch = 1, .sample = 3}, Use::crop), mgca::draw({.seed = 1, .epoch = 2, .sample = 4}, Use::crop)};
  CHECK(seen.size() == 5);
}

TEST_CASE("random: draws are uniform, normal and without bias", "[core][fast]") {
  RandomStream stream({.seed = 5}, Use::test);
  double sum = 0, square = 0;
  std::array<int, 7> counts{};
  for (int i = 0; i < 70000; ++i) {
    const double u = stream.uniform(), n = stream.normal();
    REQUIRE((u >= 0 && u < 1));
    sum += u;
    square += n * n;
    ++counts[stream.below(7)];
  }
  CHECK(sum / 70000 == Approx(0.5).margin(0.006));
  CHECK(square / 70000 == Approx(1.0).margin(0.03));
  for (const int count : counts) CHECK(count == Approx(10000).margin(450));
  mgca::test::expect_error([&] { (void)stream.below(0); }, {"below 0"});
}

TEST_CASE("random: a permutation holds every position once", "[core][fast]") {
  const auto order = mgca::permutation(1000, {.seed = 3});
  CHECK(std::set<int64_t>(order.begin(), order.end()).size() == 1000);
  CHECK(order != mgca::permutation(1000, {.seed = 4}));
  CHECK(mgca::permutation(0, {}).empty());
  mgca::test::expect_error([] { (void)mgca::permutation(-1, {}); }, {"-1"});
}

#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/data/sampler.hpp>

#include <algorithm>
#include <array>
#include <numeric>
#include <thread>

using mgca::Order;
using mgca::Sampler;
using mgca::test::expect_error;

namespace {

std::vector<int64_t> counted(int64_t n) {
  std::vector<int64_t> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), int64_t{0});
  return all;
}

std::vector<int64_t> sorted(std::vector<int64_t> values) {
  std::sort(values.begin(), values.end());
  return values;
}

}  // namespace

TEST_CASE("sampler: an epoch holds every record once, in stored or shuffled order", "[data][fast]") {
  CHECK(Sampler(7, {.order = Order::as_stored}).epoch(3) == counted(7));
  for (const int64_t n : {1, 2, 23, 1000}) {
    const Sampler sampler(n, {.seed = 5});
    for (int64_t epoch = 0; epoch < 4; ++epoch) CHECK(sorted(sampler.epoch(epoch)) == counted(n));
  }
  CHECK(Sampler(0, {}).epoch(0).empty());
}

TEST_CASE("sampler: the order is a function of seed and epoch, recorded here once for all", "[data][fast]") {
  const Sampler sampler(8, {.seed = 42});
  CHECK(sampler.epoch(0) == std::vector<int64_t>{7, 3, 1, 2, 5, 0, 6, 4});
  CHECK(sampler.epoch(5) == Sampler(8, {.seed = 42}).epoch(5));
  const Sampler many(1000, {.seed = 42});
  CHECK(many.epoch(0) != many.epoch(1));
  CHECK(many.epoch(0) != Sampler(1000, {.seed = 43}).epoch(0));
  CHECK(Sampler(1000, {.order = Order::as_stored, .seed = 1}).epoch(0) == Sampler(1000, {.order = Order::as_stored, .seed = 2}).epoch(9));
}

TEST_CASE("sampler: any number of threads sees the same stream", "[data][fast]") {
  const Sampler sampler(5000, {.seed = 2});
  const auto alone = sampler.epoch(1);
  std::array<std::vector<int64_t>, 4> seen;
  {
    std::vector<std::jthread> threads;
    for (auto& mine : seen) threads.emplace_back([&] { mine = sampler.epoch(1); });
  }
  for (const auto& mine : seen) CHECK(mine == alone);
}

TEST_CASE("sampler: a negative number of records is refused", "[data][fast]") { expect_error([] { Sampler(-1, {}); }, {"-1"}); }

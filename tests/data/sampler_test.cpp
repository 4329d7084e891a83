#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/data/sampler.hpp>

#include <algorithm>
#include <set>
#include <thread>

using mgca::Order;
using mgca::Sampler;
using mgca::SamplerOptions;
using mgca::Uneven;
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

TEST_CASE("sampler: an epoch can be entered at any place", "[data][fast]") {
  for (const int64_t world : {1, 3}) {
    const Sampler sampler(20, {.seed = 1, .rank = world - 1, .world = world});
    const auto whole = sampler.epoch(2);
    for (int64_t first = 0; first <= sampler.size(); ++first) {
      CHECK(sampler.epoch(2, first) == std::vector<int64_t>(whole.begin() + first, whole.end()));
    }
    expect_error([&] { (void)sampler.epoch(2, sampler.size() + 1); }, {"place", std::to_string(sampler.size())});
    expect_error([&] { (void)sampler.epoch(2, -1); }, {"place -1"});
  }
}

TEST_CASE("sampler: shards are equally long; together they are the whole order, interleaved", "[data][fast]") {
  for (const auto order : {Order::shuffled, Order::as_stored}) {
    for (const int64_t n : {1, 5, 12, 23, 100}) {
      for (const int64_t world : {1, 2, 3, 8}) {
        for (const auto uneven : {Uneven::pad, Uneven::drop}) {
          const SamplerOptions options{.order = order, .seed = 9, .world = world, .uneven = uneven};
          if (uneven == Uneven::drop && n < world) {
            expect_error([&] { Sampler(n, options); }, {std::to_string(n) + " records", std::to_string(world) + " shards", "Uneven::pad"});
            continue;
          }
          const int64_t length = uneven == Uneven::pad ? (n + world - 1) / world : n / world;
          const auto whole = Sampler(n, {.order = order, .seed = 9}).epoch(4);
          std::vector<int64_t> joined(static_cast<std::size_t>(length * world));
          for (int64_t rank = 0; rank < world; ++rank) {
            auto mine = options;
            mine.rank = rank;
            const auto shard = Sampler(n, mine).epoch(4);
            REQUIRE(static_cast<int64_t>(shard.size()) == length);
            CHECK(Sampler(n, mine).size() == length);
            for (int64_t i = 0; i < length; ++i) joined[static_cast<std::size_t>(i * world + rank)] = shard[static_cast<std::size_t>(i)];
          }
          const auto common = static_cast<std::ptrdiff_t>(std::min(length * world, n));
          CHECK(std::equal(joined.begin(), joined.begin() + common, whole.begin()));  // so: disjoint; complete when padded
          for (auto i = static_cast<std::size_t>(common); i < joined.size(); ++i) CHECK(joined[i] == whole[i % whole.size()]);
        }
      }
    }
  }
}

TEST_CASE("sampler: what is dropped is another part in each epoch", "[data][fast]") {
  std::set<int64_t> seen;
  for (int64_t epoch = 0; epoch < 40; ++epoch) {
    for (const int64_t rank : {0, 1, 2}) {
      const auto shard = Sampler(8, {.seed = 1, .rank = rank, .world = 3, .uneven = Uneven::drop}).epoch(epoch);
      seen.insert(shard.begin(), shard.end());
    }
  }
  CHECK(seen.size() == 8);
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

TEST_CASE("sampler: a rank outside its world is refused", "[data][fast]") {
  expect_error([] { Sampler(5, {.rank = 2, .world = 2}); }, {"rank 2", "world 2"});
  expect_error([] { Sampler(5, {.rank = -1, .world = 2}); }, {"rank -1"});
  expect_error([] { Sampler(5, {.rank = 0, .world = 0}); }, {"world 0"});
  expect_error([] { Sampler(-1, {}); }, {"-1"});
}

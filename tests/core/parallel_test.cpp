#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/core/parallel.hpp>
#include <mgca/core/random.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using mgca::parallel_for;

TEST_CASE("parallel: every index is visited once, whatever threads and grain", "[core][parallel][fast]") {
  for (const std::int64_t count : {0, 1, 7, 1000}) {
    for (const std::int64_t threads : {0, 1, 2, 5, 64}) {
      for (const std::int64_t grain : {1, 3, 5000}) {
        std::vector<int> visits(static_cast<std::size_t>(count));
        parallel_for(count, [&](std::int64_t i) { ++visits[static_cast<std::size_t>(i)]; }, {.threads = threads, .grain = grain});
        INFO(count << " steps, " << threads << " threads, grain " << grain);
        CHECK(visits == std::vector<int>(static_cast<std::size_t>(count), 1));
      }
    }
  }
}

TEST_CASE("parallel: draws by address give the same numbers for any number of threads", "[core][parallel][fast]") {
  const auto numbers = [](std::int64_t threads) {
    std::vector<double> values(500);
    parallel_for(500, [&](std::int64_t i) {
      values[static_cast<std::size_t>(i)] = mgca::draw({.seed = 4, .sample = static_cast<std::uint64_t>(i)}, mgca::Use::test);
    }, {.threads = threads});
    return values;
  };
  const auto one = numbers(1);
  CHECK(one[3] == mgca::draw({.seed = 4, .sample = 3}, mgca::Use::test));
  for (const std::int64_t threads : {2, 3, 16}) CHECK(numbers(threads) == one);
}

TEST_CASE("parallel: several threads really work, each with a number of its own", "[core][parallel][fast]") {
  std::atomic<int> inside = 0;
  std::atomic<bool> met = false;
  std::vector<std::int64_t> steps_of(4);  // no two threads share a place
  parallel_for(4, [&](std::int64_t, std::int64_t thread) {
    ++steps_of[static_cast<std::size_t>(thread)];
    ++inside;
    for (int wait = 0; wait < 5000 && !met; ++wait) {
      if (inside > 1) met = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }, {.threads = 4});
  CHECK(met);
  CHECK(steps_of[0] + steps_of[1] + steps_of[2] + steps_of[3] == 4);
  CHECK(mgca::threads_for(4, {.threads = 9}) == 4);
  CHECK(mgca::threads_for(10, {.threads = 9, .grain = 5}) == 2);
  CHECK(mgca::threads_for(0, {.threads = 9}) == 1);
}

TEST_CASE("parallel: the exception of the lowest failing index reaches the caller, and no step begins after it is known", "[core][parallel][fast]") {
  for (const std::int64_t threads : {1, 2, 7}) {
    for (int repeat = 0; repeat < 30; ++repeat) {
      std::atomic<int> begun = 0;
      mgca::test::expect_error([&] {
        parallel_for(100000, [&](std::int64_t i) {
          ++begun;
          if (i == 40 || i == 41 || i >= 60) mgca::fail(mgca::ErrorKind::data, "step ", i, " failed");
        }, {.threads = threads, .grain = 2});
      }, {"step 40 failed"});
      CHECK(begun < 200);
    }
  }
  CHECK_THROWS_AS(parallel_for(3, [](std::int64_t) { throw 7; }, {.threads = 2}), int);
}

TEST_CASE("parallel: a loop inside a loop works on its own thread, and the next one outside is parallel again", "[core][parallel][fast]") {
  std::vector<std::int64_t> sums(20), inner_threads(20);
  parallel_for(20, [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    inner_threads[at] = mgca::threads_for(100, {.threads = 8});
    parallel_for(100, [&](std::int64_t j) { sums[at] += i * j; }, {.threads = 8});  // not atomic: one thread only
  }, {.threads = 4});
  for (std::int64_t i = 0; i < 20; ++i) {
    CHECK(sums[static_cast<std::size_t>(i)] == i * 4950);
    CHECK(inner_threads[static_cast<std::size_t>(i)] == 1);
  }
  CHECK(mgca::threads_for(100, {.threads = 8}) == 8);
  CHECK_THROWS_AS(parallel_for(2, [](std::int64_t) { throw 1; }), int);
  CHECK(mgca::threads_for(100, {.threads = 8}) == 8);  // a failure too leaves the loop
}

TEST_CASE("parallel: negative counts, threads and grains are refused", "[core][parallel][fast]") {
  const auto nothing = [](std::int64_t) {};
  mgca::test::expect_error([&] { parallel_for(-1, nothing); }, {"0 steps or more", "-1"});
  mgca::test::expect_error([&] { parallel_for(1, nothing, {.threads = -2}); }, {"-2"});
  mgca::test::expect_error([&] { parallel_for(1, nothing, {.grain = 0}); }, {"grain"});
}

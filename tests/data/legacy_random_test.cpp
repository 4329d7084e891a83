#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/data/legacy_random.hpp>

#include <set>

using mgca::data::legacy_sample;
using mgca::data::legacy_train_test_split;
using mgca::data::LegacyRandom;

namespace {
using Rows = std::vector<std::int64_t>;

Rows head(const Rows& rows, std::size_t count) { return {rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count)}; }
}  // namespace

TEST_CASE("legacy_random: permutations equal numpy's legacy generator", "[data][golden][fast]") {
  CHECK(LegacyRandom(0).permutation(10) == Rows{2, 8, 4, 9, 1, 6, 7, 3, 0, 5});
  CHECK(LegacyRandom(42).permutation(10) == Rows{8, 1, 5, 0, 7, 2, 9, 4, 3, 6});
  const struct {
    std::uint32_t seed;
    std::int64_t count;
    Rows first;
  } published[] = {{0, 26684, {22331, 19778, 23064, 397, 20155, 6807, 9051, 17119}},
                   {0, 10674, {296, 7620, 3147, 9453}},
                   {0, 8006, {509, 4196, 3655, 7534}},
                   {0, 29986, {4894, 15054, 20971}},
                   {0, 8000, {3069, 1675, 6385}},
                   {0, 222414, {141442, 92045, 90106, 76454}},
                   {42, 18678, {3422, 16737, 7014, 9877}}};
  for (const auto& [seed, count, first] : published) {
    INFO("seed " << seed << ", " << count << " rows");
    const auto rows = LegacyRandom(seed).permutation(count);
    CHECK(head(rows, first.size()) == first);
    CHECK(std::set<std::int64_t>(rows.begin(), rows.end()).size() == static_cast<std::size_t>(count));
  }
  const auto rsna = LegacyRandom(0).permutation(26684);
  CHECK(Rows(rsna.end() - 3, rsna.end()) == Rows{9845, 10799, 2732});
}

TEST_CASE("legacy_random: a second draw goes on where the first ended", "[data][fast]") {
  LegacyRandom random(0);
  CHECK(random.choice({.count = 10, .taken = 9}) == Rows{2, 8, 4, 9, 1, 6, 7, 3, 0});
  CHECK(random.choice({.count = 10, .taken = 9}) == Rows{3, 5, 1, 2, 9, 8, 0, 6, 7});
}

TEST_CASE("legacy_random: a sampled half-way count rounds to even, as pandas does", "[data][fast]") {
  CHECK(legacy_sample(10, {.fraction = 0.35, .seed = 0}) == Rows{2, 8, 4, 9});  // 3.5 -> 4
  CHECK(legacy_sample(10, {.fraction = 0.25, .seed = 0}) == Rows{2, 8});        // 2.5 -> 2
  CHECK(legacy_sample(10, {.fraction = 0.01, .seed = 0}).empty());
  CHECK(legacy_sample(0, {.fraction = 1, .seed = 0}).empty());
}

TEST_CASE("legacy_random: a test share rounds up, a training share down, as in scikit-learn", "[data][fast]") {
  const auto by_test = legacy_train_test_split(10, {.test = 0.25, .train = {}, .seed = 0});
  CHECK(by_test.test == Rows{2, 8, 4});
  CHECK(by_test.train == Rows{9, 1, 6, 7, 3, 0, 5});
  const auto by_train = legacy_train_test_split(10, {.test = {}, .train = 0.25, .seed = 0});
  CHECK(by_train.test == Rows{2, 8, 4, 9, 1, 6, 7, 3});
  CHECK(by_train.train == Rows{0, 5});
  const auto both = legacy_train_test_split(10, {.test = std::int64_t{1}, .train = std::int64_t{2}, .seed = 0});
  CHECK(both.test == Rows{2});
  CHECK(both.train == Rows{8, 4});
  CHECK(legacy_train_test_split(10, {}).test.size() == 3);  // a quarter, rounded up
}

TEST_CASE("legacy_random: sizes that cannot be are refused with the numbers", "[data][fast]") {
  mgca::test::expect_error([] { (void)LegacyRandom(0).choice({.count = 3, .taken = 4}); }, {"0 to 3", "4"});
  mgca::test::expect_error([] { (void)LegacyRandom(0).permutation(-1); }, {"-1"});
  mgca::test::expect_error([] { (void)legacy_sample(10, {.fraction = 1.5}); }, {"[0, 1]", "1.5"});
  mgca::test::expect_error([] { (void)legacy_train_test_split(10, {.test = 1.0}); }, {"below 1", "1"});
  mgca::test::expect_error([] { (void)legacy_train_test_split(10, {.test = std::int64_t{10}}); }, {"10 rows", "0 for training", "10 for test"});
}

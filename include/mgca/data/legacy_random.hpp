// The random splits of published work, number by number: numpy's legacy generator and what pandas and scikit-learn draw from it.
// For comparison with published results only; splits of ours are by patient (split.hpp).
// Reference: numpy.random.RandomState, a Mersenne twister whose bounded draws reject masked words; Matsumoto and Nishimura 1998.
#pragma once

#include <mgca/core/error.hpp>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <utility>
#include <variant>
#include <vector>

namespace mgca::data {

// numpy.random.RandomState(seed). Draws follow each other: equal calls after one another give different rows.
class LegacyRandom {
 public:
  explicit LegacyRandom(std::uint32_t seed) : words_(seed) {}

  // 0 .. count - 1 in random order.
  [[nodiscard]] std::vector<std::int64_t> permutation(std::int64_t count) {
    MGCA_CHECK(count >= 0 && count <= std::numeric_limits<std::uint32_t>::max(), "legacy permutation: expected 0 to 2^32 - 1 entries, got ",
               count);
    std::vector<std::int64_t> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    for (auto i = order.size(); i-- > 1;) std::swap(order[i], order[at_most(static_cast<std::uint32_t>(i))]);
    return order;
  }

  // `taken` different ones of 0 .. count - 1: choice(count, taken, replace = False).
  struct Choice {
    std::int64_t count = 0;
    std::int64_t taken = 0;
  };
  [[nodiscard]] std::vector<std::int64_t> choice(const Choice& c) {
    MGCA_CHECK(c.taken >= 0 && c.taken <= c.count, "legacy choice: expected 0 to ", c.count, " entries to take, got ", c.taken);
    auto order = permutation(c.count);
    order.resize(static_cast<std::size_t>(c.taken));
    return order;
  }

 private:
  // Uniform on 0 .. limit: words cut to the bits that limit needs, larger ones thrown away.
  [[nodiscard]] std::size_t at_most(std::uint32_t limit) {
    const auto mask = std::numeric_limits<std::uint32_t>::max() >> std::countl_zero(limit);
    auto value = static_cast<std::uint32_t>(words_()) & mask;
    while (value > limit) value = static_cast<std::uint32_t>(words_()) & mask;
    return value;
  }

  std::mt19937 words_;
};

// The rows that DataFrame.sample(frac, random_state = seed) keeps, in its order: half-way counts round to even.
struct SampleOptions {
  double fraction = 1;  // in [0, 1]
  std::uint32_t seed = 0;
};
[[nodiscard]] inline std::vector<std::int64_t> legacy_sample(std::int64_t rows, const SampleOptions& options) {
  MGCA_CHECK(options.fraction >= 0 && options.fraction <= 1, "legacy sample: expected a fraction in [0, 1], got ", options.fraction);
  const auto taken = static_cast<std::int64_t>(std::nearbyint(options.fraction * static_cast<double>(rows)));
  return LegacyRandom(options.seed).choice({.count = rows, .taken = taken});
}

// Not given, a share of the rows (above 0, below 1), or how many.
using SplitSize = std::variant<std::monostate, double, std::int64_t>;

struct TrainTestOptions {
  SplitSize test;   // a share rounds up
  SplitSize train;  // a share rounds down; what is not given is the rest
  std::uint32_t seed = 0;
};
struct TrainTest {
  std::vector<std::int64_t> train, test;
};

// The rows of sklearn.model_selection.train_test_split(rows, test_size, train_size, random_state = seed), each side in its order.
// With neither size a quarter is test. Throws Error(argument) for sizes that leave a side empty or exceed the rows.
[[nodiscard]] inline TrainTest legacy_train_test_split(std::int64_t rows, const TrainTestOptions& options) {
  const auto count_of = [&](const SplitSize& size, double (*whole)(double)) -> std::int64_t {
    if (const auto* share = std::get_if<double>(&size)) {
      MGCA_CHECK(*share > 0 && *share < 1, "legacy split: expected a share above 0 and below 1, got ", *share);
      return static_cast<std::int64_t>(whole(*share * static_cast<double>(rows)));
    }
    if (const auto* count = std::get_if<std::int64_t>(&size)) return *count;
    return -1;
  };
  auto test = count_of(options.test, [](double x) { return std::ceil(x); });
  auto train = count_of(options.train, [](double x) { return std::floor(x); });
  if (test < 0 && train < 0) test = static_cast<std::int64_t>(std::ceil(0.25 * static_cast<double>(rows)));
  if (test < 0) test = rows - train;
  if (train < 0) train = rows - test;
  MGCA_CHECK(test > 0 && train > 0 && test + train <= rows, "legacy split: ", rows, " rows cannot give ", train, " for training and ", test,
             " for test");
  const auto order = LegacyRandom(options.seed).permutation(rows);
  const auto cut = order.begin() + test;
  return {.train = {cut, cut + train}, .test = {order.begin(), cut}};
}

}  // namespace mgca::data

#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/metrics/bootstrap.hpp>
#include <mgca/metrics/paired_bootstrap.hpp>
#include <mgca/metrics/ranked_scores.hpp>

#include <limits>

using mgca::Resample;
using mgca::metrics::bootstrap;
using mgca::metrics::paired_bootstrap;
using mgca::test::expect_error;

namespace {

std::vector<double> normal_values(std::size_t count, double mean) {
  mgca::RandomStream random({.seed = 4}, mgca::Use::test);
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(mean + random.normal());
  return values;
}

auto mean_of(const std::vector<double>& values) {
  return [&values](const Resample& r) {
    double sum = 0;
    for (const auto i : r.indices) sum += values[static_cast<std::size_t>(i)];
    return sum / static_cast<double>(r.indices.size());
  };
}

}  // namespace

TEST_CASE("bootstrap: the interval of a mean has the width theory gives", "[metrics][fast]") {
  const auto values = normal_values(400, 5.0);
  const auto interval = bootstrap(400, mean_of(values), {.resamples = 1500, .seed = 1});
  CHECK(*interval.estimate == Approx(5.0).margin(0.2));
  CHECK(*interval.high - *interval.low == Approx(2 * 1.96 / 20.0).epsilon(0.15));
  CHECK(*interval.low < *interval.estimate);
  CHECK(*interval.high > *interval.estimate);
  const auto narrow = bootstrap(400, mean_of(values), {.resamples = 1500, .seed = 1, .confidence = 0.5});
  CHECK(*narrow.high - *narrow.low == Approx(2 * 0.6745 / 20.0).epsilon(0.15));
}

TEST_CASE("bootstrap: 95 % intervals of many samples cover the truth about 95 times in 100", "[metrics][fast]") {
  mgca::RandomStream random({.seed = 8}, mgca::Use::test);
  int covered = 0;
  for (int trial = 0; trial < 150; ++trial) {
    std::vector<double> values(60);
    for (auto& value : values) value = random.normal();
    const auto interval = bootstrap(60, mean_of(values), {.resamples = 120, .seed = static_cast<std::uint64_t>(trial)});
    covered += *interval.low <= 0 && 0 <= *interval.high ? 1 : 0;
  }
  CHECK(covered >= 132);
  CHECK(covered <= 149);
}

TEST_CASE("bootstrap: indices and times agree, the seed alone decides", "[metrics][fast]") {
  std::vector<double> checksums[3];
  for (int run = 0; run < 3; ++run) {
    (void)bootstrap(23,
                    [&](const Resample& r) {
                      REQUIRE(r.indices.size() == 23);
                      std::vector<std::uint32_t> times(23);
                      double checksum = 0;
                      for (const auto i : r.indices) {
                        ++times[static_cast<std::size_t>(i)];
                        checksum = checksum * 1.01 + static_cast<double>(i);
                      }
                      CHECK(std::equal(times.begin(), times.end(), r.times.begin(), r.times.end()));
                      checksums[run].push_back(checksum);
                      return 0.0;
                    },
                    {.resamples = 20, .seed = run == 2 ? 6U : 5U, .threads = 1});
  }
  CHECK(checksums[0] == checksums[1]);
  CHECK(checksums[0] != checksums[2]);
}

TEST_CASE("bootstrap: draws are uniform", "[metrics][fast]") {
  std::vector<double> drawn(7);
  (void)bootstrap(7,
                  [&](const Resample& r) {
                    for (std::size_t i = 0; i < 7; ++i) drawn[i] += r.times[i];
                    return 0.0;
                  },
                  {.resamples = 10000, .threads = 1});
  for (const double count : drawn) CHECK(count == Approx(10001).epsilon(0.04));
}

TEST_CASE("bootstrap: undefined resamples are counted, not averaged in", "[metrics][fast]") {
  const std::vector<float> scores{0.1F, 0.2F, 0.3F, 0.9F};
  const std::vector<std::uint8_t> labels{0, 0, 0, 1};
  const mgca::metrics::RankedScores ranked(scores, labels);
  const auto auc = [&](const Resample& r) { return ranked.auc(r); };
  const auto interval = bootstrap(4, auc, {.resamples = 1000, .seed = 2});
  CHECK(*interval.estimate == 1.0);
  CHECK(*interval.low == 1.0);
  // Without the positive: (3/4)^4 = 0.316; nothing but the positive: 0.004.
  CHECK(static_cast<double>(interval.undefined) == Approx(320).margin(60));
  const auto never = bootstrap(4, [](const Resample&) { return std::optional<double>(); }, {.resamples = 10});
  CHECK_FALSE(never.estimate.has_value());
  CHECK_FALSE(never.low.has_value());
  CHECK(never.undefined == 10);
}

TEST_CASE("bootstrap: groups are drawn whole, and the interval widens to the number of groups", "[metrics][fast]") {
  const auto patients = normal_values(50, 0.0);
  std::vector<double> values;
  std::vector<std::int64_t> groups;
  for (std::size_t p = 0; p < 50; ++p) {
    for (int image = 0; image < 8; ++image) {
      values.push_back(patients[p]);
      groups.push_back(static_cast<std::int64_t>(1000 - p));
    }
  }
  const mgca::BootstrapOptions by_image{.resamples = 2000, .seed = 3};
  const mgca::BootstrapOptions by_patient{.resamples = 2000, .seed = 3, .groups = groups};
  const auto naive = bootstrap(400, mean_of(values), by_image), right = bootstrap(400, mean_of(values), by_patient);
  CHECK((*right.high - *right.low) / (*naive.high - *naive.low) == Approx(std::sqrt(8.0)).epsilon(0.15));
}

TEST_CASE("bootstrap: a vector of statistics shares its resamples", "[metrics][fast]") {
  const auto values = normal_values(50, 1.0);
  const auto mean = mean_of(values);
  const auto both = bootstrap(50,
                              [&](const Resample& r) {
                                return std::vector<double>{mean(r), -mean(r)};
                              },
                              {.resamples = 300});
  REQUIRE(both.size() == 2);
  CHECK(*both[0].low == Approx(-*both[1].high));
  CHECK(*both[0].low == *bootstrap(50, mean, {.resamples = 300}).low);
}

TEST_CASE("bootstrap: the numbers are the same for any number of threads, bit for bit", "[metrics][parallel][fast]") {
  const auto values = normal_values(90, 1.0), other = normal_values(90, 0.8);
  std::vector<std::int64_t> groups;
  for (std::int64_t i = 0; i < 90; ++i) groups.push_back(i / 3);
  const auto statistics = [&](const Resample& r) {
    return std::vector<std::optional<double>>{mean_of(values)(r), r.times[0] > 0 ? std::optional<double>(r.times[0]) : std::nullopt};
  };
  for (const auto& by : {std::vector<std::int64_t>{}, groups}) {
    const auto one = bootstrap(90, statistics, {.resamples = 333, .seed = 5, .groups = by, .threads = 1});
    const auto paired = paired_bootstrap(90, std::pair(mean_of(values), mean_of(other)), {.resamples = 333, .groups = by, .threads = 1});
    for (const std::int64_t threads : {2, 3, 8, 0}) {
      INFO(threads << " threads");
      const auto many = bootstrap(90, statistics, {.resamples = 333, .seed = 5, .groups = by, .threads = threads});
      for (std::size_t s = 0; s < 2; ++s) {
        CHECK((one[s].low == many[s].low && one[s].high == many[s].high && one[s].undefined == many[s].undefined));
      }
      const auto again = paired_bootstrap(90, std::pair(mean_of(values), mean_of(other)), {.resamples = 333, .groups = by, .threads = threads});
      CHECK((again.difference.low == paired.difference.low && again.p_value == paired.p_value));
    }
  }
}

TEST_CASE("bootstrap: a statistic that fails on one thread is the caller's error", "[metrics][parallel][fast]") {
  const auto fails = [](const Resample& r) -> double {
    return r.times[0] == 1 ? 1.0 : throw mgca::Error(mgca::ErrorKind::data, "statistic: not on this resample");
  };
  expect_error([&] { (void)bootstrap(9, fails, {.resamples = 200, .threads = 4}); }, {"not on this resample"});
}

TEST_CASE("bootstrap: options out of range and NaN are refused", "[metrics][fast]") {
  const auto one = [](const Resample&) { return 1.0; };
  expect_error([&] { (void)bootstrap(0, one); }, {"got 0"});
  expect_error([&] { (void)bootstrap(5, one, {.confidence = 95}); }, {"95", "0.95"});
  expect_error([&] { (void)bootstrap(5, one, {.resamples = 0}); }, {"1 resample"});
  expect_error([&] { (void)bootstrap(5, one, {.threads = -1}); }, {"threads", "-1"});
  const std::vector<std::int64_t> groups{1, 2};
  expect_error([&] { (void)bootstrap(5, one, {.groups = groups}); }, {"2 groups", "5 items"});
  const auto nan = [](const Resample&) { return std::numeric_limits<double>::quiet_NaN(); };
  expect_error([&] { (void)bootstrap(5, nan); }, {"NaN"});
}

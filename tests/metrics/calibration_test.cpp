#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/metrics/calibration.hpp>

namespace metrics = mgca::metrics;
using mgca::test::expect_error;

TEST_CASE("calibration: a hand-computed example; the last bin holds 1", "[metrics][fast]") {
  const std::vector<float> p{0.1F, 0.3F, 0.9F, 1.0F};
  const std::vector<std::uint8_t> labels{0, 1, 1, 1};
  const auto result = metrics::calibration(p, labels, 2);
  REQUIRE(result.bins.size() == 2);
  CHECK(result.bins[0].count == 2);
  CHECK(*result.bins[0].mean_probability == Approx(0.2));
  CHECK(*result.bins[0].observed == 0.5);
  CHECK(result.expected_error == Approx((0.3 * 2 + 0.05 * 2) / 4));
  CHECK(result.brier == Approx((0.01 + 0.49 + 0.01 + 0) / 4));
}

TEST_CASE("calibration: an empty bin is undefined, logits are refused", "[metrics][fast]") {
  const auto result = metrics::calibration(std::vector<float>{0.95F}, std::vector<std::uint8_t>{1}, 10);
  CHECK_FALSE(result.bins[3].observed.has_value());
  expect_error([] { (void)metrics::calibration(std::vector<float>{3.0F}, std::vector<std::uint8_t>{1}); },
               {"value 0 is 3", "sigmoid"});
  expect_error([] { (void)metrics::calibration({}, {}); }, {"0 probabilities"});
}

TEST_CASE("calibration: classes pooled count as one, and bins that differ are refused", "[metrics][fast]") {
  const std::vector<float> p{0.1F, 0.3F, 0.9F, 0.2F, 0.4F, 0.6F, 0.45F};
  const std::vector<std::uint8_t> labels{0, 1, 1, 1, 0, 0, 1};
  const auto of = [&](std::size_t from, std::size_t count) { return metrics::calibration(std::span(p).subspan(from, count), std::span(labels).subspan(from, count), 5); };
  const auto pooled = metrics::pooled(std::vector{of(0, 3), of(3, 4)}), all = of(0, 7);
  CHECK(pooled.expected_error == Approx(all.expected_error));
  CHECK(pooled.brier == Approx(all.brier));
  for (std::size_t b = 0; b < 5; ++b) {
    CHECK(pooled.bins[b].count == all.bins[b].count);
    CHECK(pooled.bins[b].observed.value_or(-1) == Approx(all.bins[b].observed.value_or(-1)));
    CHECK(pooled.bins[b].mean_probability.value_or(-1) == Approx(all.bins[b].mean_probability.value_or(-1)));
  }
  expect_error([&] { (void)metrics::pooled(std::vector{of(0, 3), metrics::calibration(p, labels, 4)}); }, {"other bins"});
  expect_error([] { (void)metrics::pooled({}); }, {"nothing to pool"});
}

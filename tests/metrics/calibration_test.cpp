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

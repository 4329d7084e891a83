#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/train/schedule.hpp>

using mgca::learning_rate;

TEST_CASE("schedule: the published vector", "[train][fast]") {
  const mgca::ScheduleConfig schedule;
  CHECK(learning_rate(schedule, 0, 100) == Approx(1e-8));
  CHECK(learning_rate(schedule, 1, 100) == Approx(5.0975e-07));
  CHECK(learning_rate(schedule, 39, 100) == Approx(1.950025e-05));
  CHECK(learning_rate(schedule, 40, 100) == Approx(2e-5));
  CHECK(learning_rate(schedule, 70, 100) == Approx(1.0005e-05));
  CHECK(learning_rate(schedule, 99, 100) == Approx(2.369780e-08).epsilon(1e-6));
  CHECK(learning_rate(schedule, 100, 100) == Approx(1e-8));
  CHECK(learning_rate({.kind = mgca::ScheduleKind::constant, .rate = 3e-4}, 7, 10) == 3e-4);
}

TEST_CASE("schedule: values that make no sense are refused", "[train][fast]") {
  mgca::test::expect_error([] { mgca::ScheduleConfig{.rate = 1e-9}.validate(); }, {"minimum", "1e-08", "1e-09"});
  mgca::test::expect_error([] { mgca::ScheduleConfig{.warmup_fraction = 1}.validate(); }, {"warmup_fraction", "1"});
  mgca::test::expect_error([] { (void)learning_rate({}, 0, 0); }, {"0 of 0"});
}

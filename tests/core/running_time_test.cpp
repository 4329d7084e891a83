#include "catch.hpp"

#include <mgca/core/running_time.hpp>

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("running time: small steps add up, a long one counts as the longest, a step back as none", "[core][fast]") {
  auto now = mgca::RunningTime::Clock::now();
  mgca::RunningTime time(seconds(1), [&] { return now; });
  CHECK(time.read() == seconds(0));
  for (int i = 0; i < 10; ++i) {
    now += milliseconds(100);
    CHECK(time.read() == milliseconds(100) * (i + 1));
  }
  now += std::chrono::hours(12);
  CHECK(time.read() == seconds(2));
  now -= std::chrono::hours(1);
  CHECK(time.read() == seconds(2));
  now += milliseconds(500);
  CHECK(time.read() == milliseconds(2500));
}

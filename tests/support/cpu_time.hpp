// Processor time of this thread, which neighbours on the machine do not lengthen as much as the clock on the wall.
#pragma once

#include <ctime>

namespace mgca::test {

inline double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace mgca::test

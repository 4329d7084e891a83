// The time in which this process really ran, for limits of patience: a process that was stopped, by Ctrl-Z for example, a machine that
// slept and a clock that jumps use up nobody's.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

namespace mgca {

class RunningTime {
 public:
  using Clock = std::chrono::steady_clock;

  // To be read often: what passes between two readings counts as `longest_step` at most.
  explicit RunningTime(Clock::duration longest_step, std::function<Clock::time_point()> now = &Clock::now)
      : longest_step_(longest_step), now_(std::move(now)), before_(now_()) {}

  // Since the beginning.
  [[nodiscard]] Clock::duration read() {
    const auto now = now_();
    total_ += std::clamp(now - std::exchange(before_, now), Clock::duration(0), longest_step_);
    return total_;
  }

 private:
  Clock::duration longest_step_;
  std::function<Clock::time_point()> now_;
  Clock::time_point before_;
  Clock::duration total_{};
};

}  // namespace mgca

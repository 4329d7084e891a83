// The learning rate as a pure function of the step.
// Reference: linear warm-up then one cosine per cycle, as in the published training; the first step runs at the minimum.
#pragma once

#include <mgca/core/error.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>

namespace mgca {

enum class ScheduleKind : uint8_t { warmup_cosine, constant };
constexpr auto names_of(ScheduleKind) { return std::to_array<std::string_view>({"warmup_cosine", "constant"}); }

struct ScheduleConfig {
  ScheduleKind kind = ScheduleKind::warmup_cosine;
  double rate = 2e-5;            // the highest
  double minimum = 1e-8;         // where the warm-up begins and the cosine ends
  double warmup_fraction = 0.4;  // share of all steps

  static void describe(auto& self, auto&& field) {
    field("kind", self.kind, "shape of the curve");
    field("rate", self.rate, "highest learning rate");
    field("minimum", self.minimum, "rate at which the warm-up begins and the cosine ends");
    field("warmup_fraction", self.warmup_fraction, "share of all steps spent warming up");
  }
  void validate() const {
    MGCA_CHECK(rate > 0 && minimum >= 0 && minimum <= rate, "schedule: expected 0 <= minimum <= rate and rate > 0, got minimum ", minimum, " and rate ", rate);
    MGCA_CHECK(warmup_fraction >= 0 && warmup_fraction < 1, "schedule: warmup_fraction must lie in [0, 1), got ", warmup_fraction);
  }
};

// The rate of optimiser step `step`, counted from 0, in a cycle of `total` steps; past the cycle it begins anew.
[[nodiscard]] inline double learning_rate(const ScheduleConfig& schedule, int64_t step, int64_t total) {
  MGCA_CHECK(step >= 0 && total > 0, "schedule: expected a step of 0 or more in a cycle of at least one, got ", step, " of ", total);
  if (schedule.kind == ScheduleKind::constant) return schedule.rate;
  const auto warmup = static_cast<int64_t>(schedule.warmup_fraction * static_cast<double>(total));
  const int64_t k = step % total;
  const double range = schedule.rate - schedule.minimum;
  if (k < warmup) return schedule.minimum + range * static_cast<double>(k) / static_cast<double>(warmup);
  const double done = static_cast<double>(k - warmup) / static_cast<double>(total - warmup);
  return schedule.minimum + range * (1 + std::cos(std::numbers::pi * done)) / 2;
}

}  // namespace mgca

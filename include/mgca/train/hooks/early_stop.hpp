// Stops when a monitored value has not improved for some epochs, or is no number any more.
// Reference: strictly smaller (or larger) counts as better, as in the published training.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/train/task.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mgca {

enum class Better : uint8_t { smaller, larger };
constexpr auto names_of(Better) { return std::to_array<std::string_view>({"smaller", "larger"}); }

[[nodiscard]] inline bool improves(double value, const std::optional<double>& best, Better better) {
  if (!std::isfinite(value)) return false;
  return !best || (better == Better::smaller ? value < *best : value > *best);
}

// The monitored value. Throws Error(config) listing the names that exist.
[[nodiscard]] inline double monitored(const Values& values, const std::string& name) {
  if (const auto it = values.find(name); it != values.end()) return it->second;
  std::string known;
  for (const auto& [other, unused] : values) known += (known.empty() ? "" : ", ") + other;
  fail(ErrorKind::config, "the monitored value '", name, "' does not exist; known: ", known);
}

struct EarlyStopOptions {
  std::string monitor = "val_loss";
  int64_t patience = 5;  // epochs without improvement
  Better better = Better::smaller;
};

class EarlyStop {
 public:
  static constexpr std::string_view name = "early_stop";

  explicit EarlyStop(EarlyStopOptions options = {}) : options_(std::move(options)) {}

  static void describe(auto& self, auto&& field) {
    field("best", self.best_, "best value so far");
    field("waited", self.waited_, "epochs since");
  }

  Stop after_epoch(const Progress& /*at*/, Values& values) {
    const double value = monitored(values, options_.monitor);
    if (!std::isfinite(value)) return Stop::yes;
    if (improves(value, best_, options_.better)) {
      best_ = value;
      waited_ = 0;
      return Stop::no;
    }
    return ++waited_ >= options_.patience ? Stop::yes : Stop::no;
  }

 private:
  EarlyStopOptions options_;
  std::optional<double> best_;
  int64_t waited_ = 0;
};

}  // namespace mgca

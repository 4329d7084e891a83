// The weights of the best epoch, kept in memory and put back when training ends: for heads that train in minutes.
#pragma once

#include <mgca/tensor/state_dict.hpp>
#include <mgca/train/hooks/early_stop.hpp>  // monitored, improves

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace mgca {

// After Validate, whose values it watches. Nothing is put back where no epoch had a finite value. Parameters without gradient are not
// copied: training leaves them alone.
class RememberBest {
 public:
  static constexpr std::string_view name = "remember_best";

  RememberBest(torch::nn::Module& module, std::string monitor, Better better = Better::smaller)
      : module_(&module), monitor_(std::move(monitor)), better_(better) {}

  static void describe(auto& self, auto&& field) {
    field("best", self.best_, "best value so far");
    field("epoch", self.epoch_, "epoch it belongs to");
  }

  void after_epoch(const Progress& at, Values& values) {
    const double value = monitored(values, monitor_);
    if (!improves(value, best_, better_)) return;
    best_ = value;
    epoch_ = at.epoch;
    std::set<std::string> frozen;
    for (const auto& parameter : module_->named_parameters()) {
      if (!parameter.value().requires_grad()) frozen.insert(parameter.key());
    }
    weights_.clear();
    for (const auto& [key, tensor] : state_dict(*module_)) {
      if (!frozen.contains(key)) weights_.push_back({key, tensor.detach().clone()});
    }
  }
  void after_fit(const Progress& /*at*/) {
    (void)load_state_dict(*module_, weights_, Completeness::optional);
  }
  [[nodiscard]] std::optional<double> best() const { return best_; }
  [[nodiscard]] int64_t epoch() const { return epoch_; }
  // The weights of that epoch; none before there is one.
  [[nodiscard]] const StateDict& state() const { return weights_; }
  void load_state(const StateDict& weights) { weights_ = weights; }

 private:
  torch::nn::Module* module_;
  std::string monitor_;
  Better better_;
  std::optional<double> best_;
  int64_t epoch_ = -1;
  StateDict weights_;
};

}  // namespace mgca

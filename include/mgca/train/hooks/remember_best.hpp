// The weights of the best epoch, kept in memory and put back when training ends: for heads that train in minutes.
#pragma once

#include <mgca/tensor/state_dict.hpp>
#include <mgca/train/hooks/early_stop.hpp>  // monitored, improves

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace mgca {

// After Validate, whose values it watches. Nothing is put back where no epoch had a finite value.
class RememberBest {
 public:
  RememberBest(torch::nn::Module& module, std::string monitor, Better better = Better::smaller)
      : module_(&module), monitor_(std::move(monitor)), better_(better) {}
  void after_epoch(const Progress& at, Values& values) {
    const double value = monitored(values, monitor_);
    if (!improves(value, best_, better_)) return;
    best_ = value;
    epoch_ = at.epoch;
    weights_.clear();
    for (const auto& [name, tensor] : state_dict(*module_)) weights_.push_back({name, tensor.detach().clone()});
  }
  void after_fit(const Progress& /*at*/) {
    if (!weights_.empty()) load_state_dict(*module_, weights_);
  }
  [[nodiscard]] std::optional<double> best() const { return best_; }
  [[nodiscard]] int64_t epoch() const { return epoch_; }

 private:
  torch::nn::Module* module_;
  std::string monitor_;
  Better better_;
  std::optional<double> best_;
  int64_t epoch_ = -1;
  StateDict weights_;
};

}  // namespace mgca

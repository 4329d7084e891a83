// Running means that stay on the device until somebody reads them.
// The one header that waits for the device: each read is one transfer for all values together.
#pragma once

#include <mgca/tensor/state_dict.hpp>
#include <mgca/train/task.hpp>

#include <string>
#include <utility>
#include <vector>

namespace mgca {

class Meter {
 public:
  // Adds a batch's values, each weighted by the number of samples.
  void add(const StepResult& result) {
    const torch::NoGradGuard no_grad;
    add_one("loss", result.loss, result.samples);
    for (const auto& [name, value] : result.metrics) add_one(name, value, result.samples);
    samples_ += result.samples;
  }

  [[nodiscard]] Values means() const {
    Values values;
    if (samples_ == 0) return values;
    std::vector<Tensor> sums;
    for (const auto& sum : sums_) sums.push_back(sum.value);
    const auto host = torch::stack(sums).to(torch::kCPU);
    for (std::size_t i = 0; i < sums_.size(); ++i) values[sums_[i].name] = host[static_cast<int64_t>(i)].item<double>() / static_cast<double>(samples_);
    return values;
  }

  void reset() {
    sums_.clear();
    samples_ = 0;
  }

  // What a checkpoint holds, so that an epoch's mean survives a restart in its middle.
  [[nodiscard]] StateDict state() const {
    auto dict = sums_;
    dict.push_back({"samples", torch::full({}, samples_, torch::kLong)});
    return dict;
  }
  void load_state(const StateDict& dict, torch::Device device) {
    reset();
    for (const auto& [name, value] : dict) {
      if (name == "samples") samples_ = value.item<int64_t>();
      else sums_.push_back({name, value.to(device, value.scalar_type(), /*non_blocking=*/false, /*copy=*/true)});
    }
  }

 private:
  void add_one(const std::string& name, const Tensor& value, int64_t samples) {
    const auto weighted = value.detach().to(torch::kFloat64) * static_cast<double>(samples);
    for (auto& sum : sums_) {
      if (sum.name == name) {
        sum.value.add_(weighted);
        return;
      }
    }
    sums_.push_back({name, weighted.clone()});
  }

  StateDict sums_;
  int64_t samples_ = 0;
};

// A small tensor's values on the host.
[[nodiscard]] inline std::vector<double> host_values(const Tensor& tensor) {
  const auto host = tensor.detach().to(torch::kCPU, torch::kFloat64).contiguous();
  return {host.const_data_ptr<double>(), host.const_data_ptr<double>() + host.numel()};
}

}  // namespace mgca

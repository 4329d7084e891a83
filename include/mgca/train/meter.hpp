// Running means that stay on the device until somebody reads them.
// The one header of the loop that waits for the device: each read is one transfer for all values together.
#pragma once

#include <mgca/tensor/state_dict.hpp>
#include <mgca/train/agreement.hpp>
#include <mgca/train/task.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace mgca {

// A small tensor's values on the host: the one wait for the device, and one transfer.
[[nodiscard]] inline std::vector<double> host_values(const Tensor& tensor) {
  const auto host = tensor.detach().to(torch::kCPU, torch::kFloat64, /*non_blocking=*/false, /*copy=*/true).contiguous();
  return {host.const_data_ptr<double>(), host.const_data_ptr<double>() + host.numel()};
}

// What a batch whose loss is no number does to the means.
enum class NonFinite : uint8_t {
  counts,    // the means are no numbers either: evaluation must not hide it
  left_out,  // the optimiser skips such a step and counts it, so the other batches still tell how training goes
};

class Meter {
 public:
  // What one transfer to the host brought.
  struct Reading {
    Values means;
    std::vector<double> also;
  };

  explicit Meter(NonFinite non_finite = NonFinite::counts) : non_finite_(non_finite) {}

  // Adds a batch's values, each weighted by the number of samples. Every batch must give the same metrics.
  void add(const StepResult& result) {
    const torch::NoGradGuard no_grad;
    const auto loss = result.loss.detach().to(torch::kFloat64);
    const auto kept = non_finite_ == NonFinite::left_out ? loss.isfinite() : torch::ones_like(loss, torch::kBool);
    const auto weight = static_cast<double>(result.samples);
    const auto sum = [&](const Tensor& value) {
      return torch::where(kept, value.detach().to(loss.options()) * weight, torch::zeros_like(loss));
    };
    samples_ = samples_.defined() ? samples_ + kept * weight : kept * weight;
    accumulate("loss", sum(loss));
    for (const auto& [name, value] : result.metrics) accumulate(name, sum(value));
  }

  // The means, and the values of `also`, in one transfer.
  [[nodiscard]] Reading read(const Tensor& also = {}) const {
    Reading reading;
    std::vector<Tensor> values;
    for (const auto& sum : sums_) values.push_back(sum.value.view({1}));
    if (samples_.defined()) values.push_back(samples_.view({1}));
    if (also.defined()) values.push_back(also.to(torch::kFloat64).view({-1}));
    if (values.empty()) return reading;
    const auto host = host_values(torch::cat(values));
    const auto n = sums_.size();
    for (std::size_t i = 0; i < n; ++i) reading.means[sums_[i].name] = host[i] / host[n];
    reading.also.assign(host.begin() + static_cast<std::ptrdiff_t>(samples_.defined() ? n + 1 : 0), host.end());
    return reading;
  }
  [[nodiscard]] Values means() const { return read().means; }

  // With what the other ranks have added, also where some have added nothing: sums go from device to device, and no host waits for them.
  // No ranks: as it is.
  [[nodiscard]] Meter joined(Ranks* ranks, torch::Device device) const {
    if (ranks == nullptr) return *this;
    std::string mine;
    for (const auto& sum : sums_) mine += sum.name + '\n';
    std::set<std::string> names;
    for (const auto& texts : gather_texts(ranks->control, mine)) {
      for (std::size_t from = 0, end = 0; (end = texts.find('\n', from)) != std::string::npos; from = end + 1) names.insert(texts.substr(from, end - from));
    }
    Meter all(non_finite_);
    if (names.empty()) return all;
    const auto flat = torch::zeros({static_cast<int64_t>(names.size()) + 1}, torch::dtype(torch::kFloat64).device(device));
    int64_t place = 0;
    for (const auto& name : names) {
      all.sums_.push_back({name, flat.select(0, place++)});
      for (const auto& sum : sums_) {
        if (sum.name == name) all.sums_.back().value.copy_(sum.value);
      }
    }
    all.samples_ = flat.select(0, place);
    if (samples_.defined()) all.samples_.copy_(samples_);
    ranks->data.sum(flat);
    return all;
  }

  void reset() {
    sums_.clear();
    samples_ = Tensor();
  }

  // What a checkpoint holds, so that an epoch's mean survives a restart in its middle.
  [[nodiscard]] StateDict state() const {
    StateDict dict{{"samples", samples_.defined() ? samples_ : torch::zeros({}, torch::kFloat64)}};
    for (const auto& [name, value] : sums_) dict.push_back({"sum." + name, value});
    return dict;
  }
  void load_state(const StateDict& dict, torch::Device device) {
    reset();
    for (const auto& [name, value] : dict) {
      const auto copy = value.to(device, value.scalar_type(), /*non_blocking=*/false, /*copy=*/true);
      if (name == "samples") samples_ = copy;
      else sums_.push_back({name.substr(std::string("sum.").size()), copy});
    }
  }

 private:
  void accumulate(const std::string& name, const Tensor& value) {
    for (auto& sum : sums_) {
      if (sum.name == name) {
        sum.value.add_(value);
        return;
      }
    }
    sums_.push_back({name, value});
  }

  NonFinite non_finite_;
  StateDict sums_;
  Tensor samples_;  // float64, on the device: only it knows which batches were left out
};

}  // namespace mgca

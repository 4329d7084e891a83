// What a checkpoint needs to know of a module and of the generators it draws from.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/random_state.hpp>
#include <mgca/train/meter.hpp>

#include <string>
#include <vector>

namespace mgca::detail {

// Throws Error(data) naming a parameter that holds something else than finite numbers: such a state is not worth keeping, and
// keeping it would push out the last good one.
inline void require_finite(const torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> finite;
  for (const auto& parameter : module.parameters()) finite.push_back(parameter.isfinite().all());
  const auto host = host_values(torch::stack(finite));
  const auto names = module.named_parameters();
  for (std::size_t i = 0; i < host.size(); ++i) {
    if (host[i] == 0) fail(ErrorKind::data, "fit: parameter '", names[i].key(), "' is not finite, so no checkpoint is written; the last one is whole");
  }
}

// The generators a module on this device draws from: "cpu", and "device" where that is another one.
[[nodiscard]] inline StateDict random_state_of(torch::Device device) {
  StateDict own;
  for (auto& [name, value] : random_state()) {
    if (name == "cpu") own.push_back({name, value});
    else if (device.is_cuda() && name == "cuda" + std::to_string(device.index())) own.push_back({"device", value});
  }
  return own;
}

// The device's own state has no meaning for a device of another kind and is left out there.
inline void restore_random_state(const StateDict& saved, torch::Device device) {
  StateDict own;
  for (const auto& [name, value] : saved) {
    if (name == "cpu") own.push_back({name, value});
    else if (device.is_cuda()) own.push_back({"cuda" + std::to_string(device.index()), value});
  }
  set_random_state(own);
}

}  // namespace mgca::detail

// The state of torch's own generators (dropout draws from them), as tensors a checkpoint can hold.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/state_dict.hpp>

#include <ATen/Context.h>

#include <string>

namespace mgca {

// "cpu" and one entry per CUDA device in use by this process.
[[nodiscard]] inline StateDict random_state() {
  StateDict state{{"cpu", at::globalContext().defaultGenerator(at::kCPU).get_state()}};
  if (at::hasCUDA()) {
    for (c10::DeviceIndex i = 0; i < static_cast<c10::DeviceIndex>(at::getNumGPUs()); ++i) {
      state.push_back({"cuda" + std::to_string(i), at::globalContext().defaultGenerator(at::Device(at::kCUDA, i)).get_state()});
    }
  }
  return state;
}

// Restores what random_state() gave; devices that are not here are an error.
inline void set_random_state(const StateDict& state) {
  for (const auto& [name, value] : state) {
    auto device = at::Device(at::kCPU);
    if (name != "cpu") {
      MGCA_CHECK(name.starts_with("cuda") && at::hasCUDA() && std::stoll(name.substr(4)) < static_cast<long long>(at::getNumGPUs()),
                 "random_state: the saved generator '", name, "' belongs to a device this machine does not have");
      device = at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(std::stoi(name.substr(4))));
    }
    auto generator = at::globalContext().defaultGenerator(device);
    generator.set_state(value);
  }
}

}  // namespace mgca

// The state of torch's own generators (dropout draws from them), as tensors a checkpoint can hold.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/state_dict.hpp>

#include <ATen/Context.h>

#include <string>
#include <vector>

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

// Restores what random_state() gave. A generator of a device that is not here is an error, and then all stay as they were.
inline void set_random_state(const StateDict& state) {
  std::vector<at::Generator> generators;
  for (const auto& [name, value] : state) {
    if (name == "cpu") {
      generators.push_back(at::globalContext().defaultGenerator(at::kCPU));
      continue;
    }
    const auto number = name.starts_with("cuda") && name.size() > 4 ? name.substr(4) : "none";
    const auto index = number.find_first_not_of("0123456789") == std::string::npos && number.size() < 4 ? std::stoi(number) : -1;
    MGCA_CHECK(index >= 0 && at::hasCUDA() && index < static_cast<int>(at::getNumGPUs()), "random_state: the saved generator '", name,
               "' belongs to a device this machine does not have");
    generators.push_back(at::globalContext().defaultGenerator(at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index))));
  }
  for (std::size_t i = 0; i < state.size(); ++i) generators[i].set_state(state[i].value);
}

}  // namespace mgca

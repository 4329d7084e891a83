// A module with parameters and buffers, and what tests say of state dicts.
#pragma once

#include <mgca/tensor/handle.hpp>
#include <mgca/tensor/state_dict.hpp>

#include <string>
#include <vector>

namespace mgca::test {

struct SmallImpl : torch::nn::Module {
  struct Config {
    int64_t width = 3;
  };
  explicit SmallImpl(const Config& config)
      : fc(register_module("fc", torch::nn::Linear(2, config.width))),
        norm(register_module("norm", torch::nn::BatchNorm1d(config.width))) {}
  torch::nn::Linear fc;
  torch::nn::BatchNorm1d norm;
};
using Small = Handle<SmallImpl>;

inline std::vector<std::string> names(const StateDict& dict) {
  std::vector<std::string> all;
  for (const auto& item : dict) all.push_back(item.name);
  return all;
}

inline bool equal(const StateDict& a, const StateDict& b) {
  if (names(a) != names(b)) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!torch::equal(a[i].value, b[i].value)) return false;
  }
  return true;
}

inline StateDict copy(const StateDict& dict) {
  StateDict other;
  for (const auto& [name, value] : dict) other.push_back({name, value.detach().clone()});
  return other;
}

}  // namespace mgca::test

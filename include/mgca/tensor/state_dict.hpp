// The named tensors of a module, and loading them back without half-success.
// Names are those of the published checkpoints, because member names are the checkpoint's key names.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/nn.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

struct NamedTensor {
  std::string name;
  Tensor value;
};
using StateDict = std::vector<NamedTensor>;

namespace detail {
inline void collect_state(const torch::nn::Module& module, const std::string& prefix, StateDict& into) {
  for (const auto& item : module.named_parameters(/*recurse=*/false)) into.push_back({prefix + item.key(), item.value()});
  for (const auto& item : module.named_buffers(/*recurse=*/false)) into.push_back({prefix + item.key(), item.value()});
  for (const auto& child : module.named_children()) collect_state(*child.value(), prefix + child.key() + ".", into);
}
}  // namespace detail

// Parameters and buffers, in the order a reader of the checkpoint would list them: own parameters, own buffers,
// then children. The tensors share memory with the module.
[[nodiscard]] inline StateDict state_dict(const torch::nn::Module& module, const std::string& prefix = "") {
  StateDict dict;
  detail::collect_state(module, prefix, dict);
  return dict;
}

struct ShapeConflict {
  std::string name;
  std::vector<int64_t> expected;
  std::vector<int64_t> found;
};

struct LoadReport {
  std::vector<std::string> missing;     // in the module, not in the dict
  std::vector<std::string> unexpected;  // in the dict, not in the module
  std::vector<ShapeConflict> reshaped;  // in both, with different shapes

  [[nodiscard]] bool complete() const { return missing.empty() && unexpected.empty() && reshaped.empty(); }
  [[nodiscard]] std::string text() const {
    std::string all;
    for (const auto& name : missing) all += "\n  missing: " + name;
    for (const auto& name : unexpected) all += "\n  unexpected: " + name;
    for (const auto& c : reshaped) {
      all += detail::join("\n  shape of ", c.name, ": expected ", c10::IntArrayRef(c.expected), ", found ",
                          c10::IntArrayRef(c.found));
    }
    return all;
  }
};

enum class Completeness : uint8_t {
  required,  // any difference is an error, and the module stays as it was
  optional,  // what fits is copied, the rest is reported
};

// Copies the dict's values into the module, converting dtype and device. With Completeness::required every difference
// is listed in one Error(data) and nothing is copied.
inline LoadReport load_state_dict(torch::nn::Module& module, const StateDict& dict,
                                  Completeness completeness = Completeness::required) {
  const torch::NoGradGuard no_grad;
  std::map<std::string, Tensor> found;
  for (const auto& [name, value] : dict) found.emplace(name, value);
  LoadReport report;
  std::vector<std::pair<Tensor, Tensor>> copies;
  for (auto& [name, target] : state_dict(module)) {
    const auto it = found.find(name);
    if (it == found.end()) {
      report.missing.push_back(name);
    } else if (it->second.sizes() != target.sizes()) {
      report.reshaped.push_back({name, target.sizes().vec(), it->second.sizes().vec()});
    } else {
      copies.emplace_back(target, it->second);
    }
    if (it != found.end()) found.erase(it);
  }
  for (const auto& [name, value] : found) report.unexpected.push_back(name);
  if (completeness == Completeness::required && !report.complete()) {
    fail(ErrorKind::data, "load_state_dict: the weights do not fit the model; choose the matching configuration or load "
         "with Completeness::optional", report.text());
  }
  for (auto& [target, source] : copies) target.copy_(source);
  return report;
}

}  // namespace mgca

// The named tensors of a module, and loading them back without half-success.
// Names are those of the published checkpoints, because member names are the checkpoint's key names.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/nearest.hpp>
#include <mgca/tensor/nn.hpp>

#include <functional>
#include <map>
#include <string>
#include <string_view>
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

// A tensor that stands ready to be loaded: what it is called, its sides, and how to get it. `read` may be called more than once.
struct OfferedTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::function<Tensor()> read;
};

struct ShapeConflict {
  std::string name;
  std::vector<int64_t> expected;
  std::vector<int64_t> found;
};

struct LoadReport {
  std::vector<std::string> missing;     // in the module, not offered
  std::vector<std::string> unexpected;  // offered, not in the module
  std::vector<ShapeConflict> reshaped;  // in both, with different shapes

  [[nodiscard]] bool complete() const { return missing.empty() && unexpected.empty() && reshaped.empty(); }
  // One line for each difference; beside a name that only one side has, the nearest that only the other has.
  [[nodiscard]] std::string text() const {
    std::string all;
    const auto list = [&](const char* what, const std::vector<std::string>& names, const char* where, const std::vector<std::string>& others) {
      for (const auto& name : names) {
        const auto near = nearest_one(name, others);
        all += std::string("\n  ") + what + ": " + name + (near ? std::string(" (nearest ") + where + ": " + *near + ")" : "");
      }
    };
    list("missing", missing, "in the file", unexpected);
    list("unexpected", unexpected, "in the model", missing);
    for (const auto& c : reshaped) {
      all += detail::join("\n  shape of ", c.name, ": expected ", c10::IntArrayRef(c.expected), ", found ", c10::IntArrayRef(c.found));
    }
    return all;
  }
};

enum class Completeness : uint8_t {
  required,  // any difference is an error, and the module stays as it was
  optional,  // what fits is copied, the rest is reported
};

// What differs between a module and the tensors offered to it. Throws Error(data) where two offers have one name.
[[nodiscard]] inline LoadReport compare(const StateDict& state, const std::vector<OfferedTensor>& offered) {
  std::map<std::string_view, const OfferedTensor*> found;
  for (const auto& offer : offered) {
    if (!found.emplace(offer.name, &offer).second) fail(ErrorKind::data, "load_state_dict: '", offer.name, "' is offered twice");
  }
  LoadReport report;
  for (const auto& [name, target] : state) {
    const auto it = found.find(name);
    if (it == found.end()) {
      report.missing.push_back(name);
      continue;
    }
    if (target.sizes() != c10::IntArrayRef(it->second->shape)) report.reshaped.push_back({name, target.sizes().vec(), it->second->shape});
    found.erase(it);
  }
  for (const auto& offer : offered) {
    if (found.contains(offer.name)) report.unexpected.push_back(offer.name);
  }
  return report;
}

// Copies what is offered into the module, converting dtype and device. With Completeness::required every difference is listed
// in one Error(data) and nothing is copied. Everything is read once before anything is copied, so that a source that
// fails half-way leaves the module as it was.
inline LoadReport load_state_dict(torch::nn::Module& module, const std::vector<OfferedTensor>& offered,
                                  Completeness completeness = Completeness::required) {
  const torch::NoGradGuard no_grad;
  const auto state = state_dict(module);
  auto report = compare(state, offered);
  if (completeness == Completeness::required && !report.complete()) {
    fail(ErrorKind::data, "load_state_dict: the weights do not fit the model; choose the matching configuration or load "
         "with Completeness::optional", report.text());
  }
  std::map<std::string_view, const OfferedTensor*> found;
  for (const auto& offer : offered) found.emplace(offer.name, &offer);
  for (const bool copying : {false, true}) {
    for (const auto& [name, target] : state) {
      const auto it = found.find(name);
      if (it == found.end() || target.sizes() != c10::IntArrayRef(it->second->shape)) continue;
      const auto value = it->second->read();
      if (value.is_complex() != target.is_complex()) {
        fail(ErrorKind::data, "load_state_dict: ", name, " is ", torch::toString(target.scalar_type()), " here and ",
             torch::toString(value.scalar_type()), " there");
      }
      if (copying) target.copy_(value);
    }
  }
  return report;
}

inline LoadReport load_state_dict(torch::nn::Module& module, const StateDict& dict, Completeness completeness = Completeness::required) {
  std::vector<OfferedTensor> offered;
  for (const auto& [name, value] : dict) offered.push_back({name, value.sizes().vec(), [value = value] { return value; }});
  return load_state_dict(module, offered, completeness);
}

}  // namespace mgca

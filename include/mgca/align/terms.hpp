// The parts of a loss: named, weighted, still on the device.
#pragma once

#include <mgca/tensor/torch.hpp>

#include <string>
#include <vector>

namespace mgca {

struct LossTerm {
  std::string name;
  Tensor value;         // scalar, before weighting
  double weight = 1.0;

  [[nodiscard]] Tensor weighted() const { return value * weight; }
};

// The weighted sum. At least one term is expected; a model without any loss cannot be built.
[[nodiscard]] inline Tensor total(const std::vector<LossTerm>& terms) {
  Tensor sum;
  for (const auto& term : terms) sum = sum.defined() ? sum + term.weighted() : term.weighted();
  return sum;
}

}  // namespace mgca

// The parts of a loss: named, weighted, still on the device.
#pragma once

#include <mgca/core/error.hpp>
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

// The weighted sum. Throws Error(argument) where there is nothing to sum.
[[nodiscard]] inline Tensor total(const std::vector<LossTerm>& terms) {
  MGCA_CHECK(!terms.empty(), "total: no loss term; give at least one a weight above 0");
  auto sum = terms.front().weighted();
  for (std::size_t i = 1; i < terms.size(); ++i) sum = sum + terms[i].weighted();
  return sum;
}

}  // namespace mgca

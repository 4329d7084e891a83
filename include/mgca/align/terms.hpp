// The terms of a loss and the numbers shown beside it: tensors that stay on the device until a meter reads them.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/torch.hpp>

#include <string>
#include <vector>

namespace mgca {

struct LossTerm {
  std::string name;
  Tensor value;         // scalar, before weighting
  double weight = 1.0;  // its factor in the total
};

struct Metric {
  std::string name;
  Tensor value;  // scalar without gradient
};

namespace align {

// The weighted sum. Throws Error(argument) for an empty list.
[[nodiscard]] inline Tensor total(const std::vector<LossTerm>& terms) {
  MGCA_CHECK(!terms.empty(), "total: the loss has no terms; give at least one a weight above 0");
  auto sum = terms.front().value * terms.front().weight;
  for (std::size_t i = 1; i < terms.size(); ++i) sum = sum + terms[i].value * terms[i].weight;
  return sum;
}

}  // namespace align

struct AlignmentOutput {
  std::vector<LossTerm> terms;
  std::vector<Metric> metrics;

  [[nodiscard]] Tensor total() const { return align::total(terms); }
};

}  // namespace mgca

// Balanced soft assignment of samples to prototypes (entropic optimal transport).
// Without the balance all samples collapse onto one prototype.
// Reference: Cuturi 2013; used for clustering features in SwAV, Caron et al. 2020.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/torch.hpp>

namespace mgca::ops {

struct SinkhornOptions {
  int64_t iterations = 3;
  double epsilon = 0.05;  // temperature of the scores: smaller is harder

  static void describe(auto& self, auto&& field) {
    field("iterations", self.iterations, "rounds of balancing");
    field("epsilon", self.epsilon, "temperature of the scores: smaller is harder");
  }
  void validate() const {
    MGCA_CHECK(iterations >= 0 && epsilon > 0, "sinkhorn: expected iterations >= 0 and epsilon > 0, got ", iterations, " and ", epsilon);
  }
};

// (B, K) scores in [-1, 1] -> (B, K) assignment without gradient, each row a distribution. Computed in single precision at
// least: exp(1 / 0.05) is 4.9e8, more than half precision holds.
[[nodiscard]] inline Tensor sinkhorn(const Tensor& scores, const SinkhornOptions& options = {}) {
  const torch::NoGradGuard no_grad;
  MGCA_CHECK(scores.dim() == 2 && scores.numel() > 0, "sinkhorn: expected scores (B, K) of at least one sample and prototype, got ", scores.sizes());
  options.validate();
  const auto B = static_cast<double>(scores.size(0)), K = static_cast<double>(scores.size(1));
  const auto precise = scores.scalar_type() == torch::kFloat64 ? scores.detach() : scores.detach().to(torch::kFloat32);
  // The common factor exp(-max / epsilon) cancels in the first division and keeps exp in range for every epsilon; a
  // prototype or sample whose mass vanished divides by the smallest number instead of 0.
  constexpr double kSmallest = 1e-37;
  auto plan = ((precise - precise.max()) / options.epsilon).exp();
  plan = plan / plan.sum();
  for (int64_t i = 0; i < options.iterations; ++i) {
    plan = plan / (plan.sum(0, true).clamp_min(kSmallest) * K);  // every prototype receives mass 1/K
    plan = plan / (plan.sum(1, true).clamp_min(kSmallest) * B);  // every sample gives mass 1/B
  }
  return plan / plan.sum(1, true).clamp_min(kSmallest);  // so each row is a distribution
}

}  // namespace mgca::ops

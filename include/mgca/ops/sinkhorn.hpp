// Balanced soft assignment of samples to prototypes (entropic optimal transport).
// Without the balance all samples collapse onto one prototype.
// Reference: Cuturi 2013; used for clustering features in SwAV, Caron et al. 2020.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/ops/unit.hpp>

#include <cstdint>

namespace mgca::ops {

struct SinkhornOptions {
  int64_t iterations = 3;
  double epsilon = 0.05;  // smaller: harder assignments
};

// Carries no gradient. Each row of the result is a distribution over prototypes; the prototypes' shares of the batch
// approach 1/K with the iterations.
[[nodiscard]] inline Tensor sinkhorn(const Tensor& scores,  // (B, K)
                                     const SinkhornOptions& options = {}) {
  const torch::NoGradGuard no_grad;
  MGCA_CHECK(scores.dim() == 2 && scores.size(0) > 0 && scores.size(1) > 0,
             "sinkhorn: expected scores (B, K) of at least one sample and prototype, got ", scores.sizes());
  MGCA_CHECK(options.iterations >= 0 && options.epsilon > 0, "sinkhorn: expected iterations >= 0 and epsilon > 0, got ",
             options.iterations, " and ", options.epsilon);
  constexpr double kSmallest = 1e-37;  // a prototype whose mass vanished in f32 divides by this, not by 0
  const auto B = static_cast<double>(scores.size(0));
  const auto K = static_cast<double>(scores.size(1));
  const auto wide = exact(scores);
  // The common factor exp(-max / epsilon) cancels in the first division and keeps exp in range for every epsilon.
  auto plan = ((wide - wide.max()) / options.epsilon).exp();  // (B, K)
  plan = plan / plan.sum();
  for (int64_t i = 0; i < options.iterations; ++i) {
    plan = plan / (plan.sum(0, true).clamp_min(kSmallest) * K);  // every prototype receives mass 1/K
    plan = plan / (plan.sum(1, true).clamp_min(kSmallest) * B);  // every sample gives mass 1/B
  }
  return plan / plan.sum(1, true).clamp_min(kSmallest);
}

}  // namespace mgca::ops

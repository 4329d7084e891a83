// Balanced soft assignment of samples to prototypes (entropic optimal transport).
// Without the balance all samples collapse onto one prototype.
// Reference: Cuturi 2013; used for clustering features in SwAV, Caron et al. 2020.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/torch.hpp>

#include <vector>

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

namespace detail {
// A prototype or sample whose mass vanished divides by the smallest number instead of 0.
inline Tensor mass(const Tensor& plan, int64_t dim) { return plan.sum(dim, true).clamp_min(1e-37); }
}  // namespace detail

// The transport plan (B, K) of total mass 1 before the first round and after each. Scores (B, K) in [-1, 1]; without gradient,
// in single precision at least: exp(1 / 0.05) is 4.9e8, more than half precision holds.
[[nodiscard]] inline std::vector<Tensor> sinkhorn_plans(const Tensor& scores, const SinkhornOptions& options = {}) {
  const torch::NoGradGuard no_grad;
  MGCA_CHECK(scores.dim() == 2 && scores.numel() > 0, "sinkhorn: expected scores (B, K) of at least one sample and prototype, got ", scores.sizes());
  options.validate();
  const auto B = static_cast<double>(scores.size(0)), K = static_cast<double>(scores.size(1));
  const auto precise = scores.scalar_type() == torch::kFloat64 ? scores.detach() : scores.detach().to(torch::kFloat32);
  // The common factor exp(-max / epsilon) cancels in the first division and keeps exp in range for every epsilon.
  const auto positive = ((precise - precise.max()) / options.epsilon).exp();
  std::vector<Tensor> plans{positive / positive.sum()};
  for (int64_t i = 0; i < options.iterations; ++i) {
    const auto fair = plans.back() / (detail::mass(plans.back(), 0) * K);  // every prototype receives mass 1/K
    plans.push_back(fair / (detail::mass(fair, 1) * B));                   // every sample gives mass 1/B
  }
  return plans;
}

// The last plan as an assignment (B, K): each row is a distribution.
[[nodiscard]] inline Tensor sinkhorn(const Tensor& scores, const SinkhornOptions& options = {}) {
  const torch::NoGradGuard no_grad;
  const auto plan = sinkhorn_plans(scores, options).back();
  return plan / detail::mass(plan, 1);
}

}  // namespace mgca::ops

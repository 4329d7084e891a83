// Unit vectors, and the single precision in which every loss is computed.
// Cosines, exponentials and sums over thousands of terms lose too much in half precision, so the losses leave
// autocast: `exact_scope` switches it off for a scope, `exact` lifts half-precision operands to f32 (f64 stays f64).
#pragma once

#include <mgca/tensor/precision.hpp>
#include <mgca/tensor/torch.hpp>

namespace mgca::ops {

[[nodiscard]] inline Tensor exact(const Tensor& x) {
  const bool half = x.scalar_type() == torch::kHalf || x.scalar_type() == torch::kBFloat16;
  return half ? x.to(torch::kFloat32) : x;
}

// Autocast off until the returned object dies.
[[nodiscard]] inline AutocastScope exact_scope(const Tensor& operand) {
  return AutocastScope(Precision::f32, operand.device().type());
}

// Every vector of the last dimension at length 1; the zero vector stays 0.
[[nodiscard]] inline Tensor unit(const Tensor& x) {  // (..., D)
  const auto scope = exact_scope(x);
  const auto wide = exact(x);
  return wide / wide.norm(2, -1, /*keepdim=*/true).clamp_min(1e-12);
}

}  // namespace mgca::ops

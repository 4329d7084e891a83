// Vectors of length one, so that products are cosines.
#pragma once

#include <mgca/tensor/precision.hpp>
#include <mgca/tensor/torch.hpp>

namespace mgca::ops {

// Autocast off while the result lives. Casting operands is not enough: inside autocast a product of f32 operands is
// computed in half precision all the same.
[[nodiscard]] inline AutocastScope exact_scope(const Tensor& operand) {
  return AutocastScope(Precision::f32, operand.device().type());
}

// In single precision at least; f64 stays f64.
[[nodiscard]] inline Tensor exact(const Tensor& x) { return x.to(torch::promote_types(x.scalar_type(), torch::kFloat32)); }

// (..., D) divided by its length, at least 1e-12; a zero vector stays zero. In single precision at least.
[[nodiscard]] inline Tensor unit(const Tensor& x) {
  const auto precise = exact(x);
  return precise / precise.norm(2, {-1}, /*keepdim=*/true).clamp_min(1e-12);
}

}  // namespace mgca::ops

// Vectors of length one, so that products are cosines.
#pragma once

#include <mgca/tensor/torch.hpp>

namespace mgca::ops {

// (..., D) divided by its length, at least 1e-12; a zero vector stays zero. In single precision at least.
[[nodiscard]] inline Tensor unit(const Tensor& x) {
  const auto precise = x.to(torch::promote_types(x.scalar_type(), torch::kFloat32));
  return precise / precise.norm(2, {-1}, /*keepdim=*/true).clamp_min(1e-12);
}

}  // namespace mgca::ops

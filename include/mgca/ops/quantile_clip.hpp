// Attention made into weights: clipped to its own quantiles and divided by its sum, so that neither a single token nor
// a host of unimportant ones decides the token-wise loss.
// Reference: MGCA, section 3.2; official code: 10 % and 90 %, linear interpolation.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/torch.hpp>

#include <limits>

namespace mgca::ops {

struct Quantiles {
  double low = 0.1;   // in [0, 1]
  double high = 0.9;  // in [0, 1]
};

namespace detail {
// The value at position q (n - 1) of each row's first n sorted entries, linearly interpolated.
inline Tensor sorted_quantile(const Tensor& sorted, const Tensor& count, double q) {
  const auto position = q * (count - 1).clamp_min(0).to(sorted.scalar_type());  // (B, 1)
  const auto below = position.floor();
  const auto last = sorted.size(1) - 1;
  const auto low = sorted.gather(1, below.to(torch::kLong).clamp_max(last));
  const auto high = sorted.gather(1, position.ceil().to(torch::kLong).clamp_max(last));
  return low + (high - low) * (position - below);
}
}  // namespace detail

// (B, N) weights over the entries that `counted` (B, N) bool names; others get 0. Rows sum to 1, or to 0 where nothing
// counts; a row whose counted entries sum to 0 is spread evenly. Without gradient, and without a host read: one sort per
// row, quantiles at per-row positions.
[[nodiscard]] inline Tensor quantile_clip(const Tensor& weights, const Tensor& counted, const Quantiles& q = {}) {
  const torch::NoGradGuard no_grad;
  MGCA_CHECK(weights.dim() == 2 && weights.sizes() == counted.sizes() && counted.scalar_type() == torch::kBool,
             "quantile_clip: expected weights (B, N) and a bool for each, got ", weights.sizes(), " and ", counted.sizes(), " of ",
             torch::toString(counted.scalar_type()));
  MGCA_CHECK(0 <= q.low && q.low <= q.high && q.high <= 1, "quantile_clip: expected 0 <= low <= high <= 1, got ", q.low, " and ", q.high);
  const auto values = weights.detach().to(torch::promote_types(weights.scalar_type(), torch::kFloat32));
  constexpr double kAfterAll = std::numeric_limits<double>::infinity();
  const auto sorted = std::get<0>(values.masked_fill(counted.logical_not(), kAfterAll).sort(1));
  const auto count = counted.sum(1, /*keepdim=*/true);  // (B, 1)
  const auto low = detail::sorted_quantile(sorted, count, q.low);
  const auto high = detail::sorted_quantile(sorted, count, q.high);
  const auto share = counted.to(values.scalar_type());
  const auto clipped = torch::where(counted, values.maximum(low).minimum(high), torch::zeros_like(values));
  const auto total = clipped.sum(1, true);
  const auto even = share / count.clamp_min(1);
  return torch::where(total == 0, even, clipped / total);  // not a number stays visible
}

}  // namespace mgca::ops

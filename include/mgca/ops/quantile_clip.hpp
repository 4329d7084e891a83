// Attention weights made robust: outliers are clipped to quantiles of their own row, then the row sums to 1.
// A single dominating token would otherwise decide the whole token-wise loss.
// Reference: importance weights of MGCA, Wang et al. 2022, section 3.3.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/ops/unit.hpp>

#include <tuple>

namespace mgca::ops {

struct Quantiles {
  double low = 0.1;
  double high = 0.9;
};

namespace detail {
inline constexpr double kLast = 3e38;  // sorts behind every weight and is finite in f32

// The q-quantile of the first `count` entries of each ascending row, linearly interpolated at q (count - 1).
inline Tensor row_quantile(const Tensor& sorted,  // (B, N)
                           const Tensor& count,   // (B, 1)
                           double q) {
  const auto last = (count - 1).clamp_min(0);
  const auto position = last.to(sorted.scalar_type()) * q;
  const auto below = position.floor();
  const auto lower = sorted.gather(1, below.to(torch::kLong));
  const auto upper = sorted.gather(1, (below.to(torch::kLong) + 1).minimum(last));
  return lower.lerp(upper, position - below);  // (B, 1)
}
}  // namespace detail

// Carries no gradient. Entries that are not valid play no part and weigh 0; `valid` undefined: all are valid.
// A single valid entry weighs 1; a row whose valid entries are all 0 is uniform over them; an empty row stays 0.
[[nodiscard]] inline Tensor quantile_clip(const Tensor& weights,     // (B, N), not negative
                                          const Tensor& valid = {},  // (B, N) bool
                                          Quantiles quantiles = {}) {
  const torch::NoGradGuard no_grad;
  MGCA_CHECK(0 <= quantiles.low && quantiles.low <= quantiles.high && quantiles.high <= 1,
             "quantile_clip: expected 0 <= low <= high <= 1, got ", quantiles.low, " and ", quantiles.high);
  MGCA_CHECK(weights.dim() == 2 && weights.size(1) > 0, "quantile_clip: expected weights (B, N) with N > 0, got ",
             weights.sizes());
  const auto wide = exact(weights);
  const auto present = valid.defined() ? valid : torch::ones_like(wide, torch::kBool);
  const auto count = present.sum(1, /*keepdim=*/true);  // (B, 1)
  const auto absent = present.logical_not();
  const auto sorted = std::get<0>(wide.masked_fill(absent, detail::kLast).sort(1));  // absent ones last
  const auto low = detail::row_quantile(sorted, count, quantiles.low);
  const auto high = detail::row_quantile(sorted, count, quantiles.high);
  const auto clipped = wide.maximum(low).minimum(high).masked_fill(absent, 0);
  const auto total = clipped.sum(1, true);
  const auto uniform = present.to(wide.scalar_type()) / count.clamp_min(1);
  return torch::where(total == 0, uniform, clipped / total);
}

}  // namespace mgca::ops

// Soft attention between the patches of an image and the words of its report: each query is answered by a mixture of
// the other side.
// Reference: MGCA, section 3.2, equation 4, in the parameter-free form of the published code.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/ops/unit.hpp>

namespace mgca::ops {

struct CrossAttention {
  Tensor weights;  // (B, L, N) over the keys
  Tensor mixed;    // (B, L, D)
};

// Unit rows: queries (B, L, D), keys (B, N, D). Keys outside `valid` (B, N) bool receive nothing; undefined: all count. A
// sample without any valid key mixes to 0.
[[nodiscard]] inline CrossAttention cross_attention(const Tensor& queries, const Tensor& keys, double temperature, const Tensor& valid = {}) {
  MGCA_CHECK(queries.dim() == 3 && keys.dim() == 3 && queries.size(0) == keys.size(0) && queries.size(2) == keys.size(2),
             "cross_attention: expected queries (B, L, D) and keys (B, N, D), got ", queries.sizes(), " and ", keys.sizes());
  MGCA_CHECK(!valid.defined() || (valid.dim() == 2 && valid.size(0) == keys.size(0) && valid.size(1) == keys.size(1)),
             "cross_attention: expected `valid` (B, N) for keys ", keys.sizes(), ", got ", valid.sizes());
  MGCA_CHECK(temperature > 0, "cross_attention: temperature must be positive, got ", temperature);
  const auto scope = exact_scope(queries);
  const auto values = exact(keys);
  const auto score = (exact(queries) / temperature).bmm(values.transpose(1, 2));  // (B, L, N)
  if (!valid.defined()) {
    const auto weights = score.softmax(-1);
    return {.weights = weights, .mixed = weights.bmm(values)};
  }
  const auto outside = valid.logical_not().unsqueeze(1);  // (B, 1, N)
  // A finite floor: a row of minus infinities would be NaN, forward and backward.
  const auto weights = score.masked_fill(outside, -1e9).softmax(-1).masked_fill(outside, 0);
  return {.weights = weights, .mixed = weights.bmm(values)};
}

}  // namespace mgca::ops

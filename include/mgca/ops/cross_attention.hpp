// Soft attention between the patches of an image and the words of its report: each query is answered by a mixture of
// the other side.
// Reference: MGCA, section 3.2, equation 4, in the parameter-free form of the published code.
#pragma once

#include <mgca/ops/unit.hpp>

namespace mgca::ops {

struct CrossAttention {
  Tensor weights;  // (B, L, N) over the keys
  Tensor mixed;    // (B, L, D)
};

// Unit rows: queries (B, L, D), keys (B, N, D). Keys outside `valid` (B, N) bool receive nothing; undefined: all count. A
// sample without any valid key mixes to 0.
[[nodiscard]] inline CrossAttention cross_attention(const Tensor& queries, const Tensor& keys, double temperature, const Tensor& valid = {}) {
  const auto scope = exact_scope(queries);
  const auto values = exact(keys);
  auto score = exact(queries).bmm(values.transpose(1, 2)) / temperature;  // (B, L, N)
  if (!valid.defined()) {
    const auto weights = score.softmax(-1);
    return {.weights = weights, .mixed = weights.bmm(values)};
  }
  const auto outside = valid.logical_not().unsqueeze(1);  // (B, 1, N)
  // A finite floor: a row of minus infinities would be NaN, forward and backward.
  score = score.masked_fill(outside, -1e9);
  const auto weights = score.softmax(-1).masked_fill(outside, 0);
  return {.weights = weights, .mixed = weights.bmm(values)};
}

}  // namespace mgca::ops

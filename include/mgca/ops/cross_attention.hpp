// Soft attention between patches and words: every query becomes a mixture of the other side's vectors.
// It has no parameters; the temperature decides how few keys a query listens to.
// Reference: token-wise alignment of MGCA, Wang et al. 2022, section 3.3.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/ops/unit.hpp>

namespace mgca::ops {

struct CrossAttentionOptions {
  double temperature = 0.1;
  Tensor key_valid = {};  // (B, N) bool, true where a key exists; undefined: all exist
};

struct CrossAttention {
  Tensor attended;  // (B, L, D) mixtures of keys, not normalised
  Tensor weights;   // (B, L, N) rows sum to 1, and are 0 throughout where no key exists
};

namespace detail {
// Finite, so that a row without any key stays free of NaN forwards and backwards.
inline constexpr double kAbsent = -1e30;
}  // namespace detail

[[nodiscard]] inline CrossAttention cross_attention(const Tensor& queries,  // (B, L, D)
                                                    const Tensor& keys,     // (B, N, D)
                                                    const CrossAttentionOptions& options = {}) {
  MGCA_CHECK(options.temperature > 0, "cross_attention: temperature must be positive, got ", options.temperature);
  const auto scope = exact_scope(queries);
  const auto values = exact(keys);
  auto score = exact(queries).bmm(values.transpose(1, 2)) / options.temperature;  // (B, L, N)
  if (!options.key_valid.defined()) {
    const auto weights = score.softmax(-1);
    return {.attended = weights.bmm(values), .weights = weights};
  }
  const auto absent = options.key_valid.logical_not().unsqueeze(1);  // (B, 1, N)
  const auto weights = score.masked_fill(absent, detail::kAbsent).softmax(-1).masked_fill(absent, 0);
  return {.attended = weights.bmm(values), .weights = weights};
}

}  // namespace mgca::ops

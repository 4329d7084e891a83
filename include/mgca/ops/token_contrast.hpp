// Contrast within one sample: each token must find its own counterpart among the counterparts of all its tokens,
// and be found by it. Rows and columns share one similarity matrix.
// Reference: token-wise alignment of MGCA, Wang et al. 2022, section 3.3.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/ops/cross_attention.hpp>

namespace mgca::ops {

struct TokenContrastOptions {
  double temperature = 0.1;
  Tensor valid = {};  // (B, L) bool; tokens that are not valid take no part. Undefined: all are valid
};

struct TokenContrast {
  Tensor similarity;  // (B, L, L) tokens in rows, counterparts in columns; pairs that take no part hold a huge
                      // negative number
  Tensor row;         // (B, L) cross-entropy of each row, 0 where not valid
  Tensor column;      // (B, L) cross-entropy of each column, 0 where not valid
};

[[nodiscard]] inline TokenContrast token_contrast(const Tensor& tokens,        // (B, L, D)
                                                  const Tensor& counterparts,  // (B, L, D)
                                                  const TokenContrastOptions& options = {}) {
  MGCA_CHECK(tokens.dim() == 3 && tokens.sizes() == counterparts.sizes(),
             "token_contrast: expected two tensors (B, L, D), got ", tokens.sizes(), " and ", counterparts.sizes());
  MGCA_CHECK(options.temperature > 0, "token_contrast: temperature must be positive, got ", options.temperature);
  const auto scope = exact_scope(tokens);
  auto similarity = exact(tokens).bmm(exact(counterparts).transpose(1, 2)) / options.temperature;  // (B, L, L)
  Tensor absent;
  if (options.valid.defined()) {
    absent = options.valid.logical_not();
    similarity = similarity.masked_fill(absent.unsqueeze(1).logical_or(absent.unsqueeze(2)), detail::kAbsent);
  }
  const auto own = similarity.diagonal(0, 1, 2);  // (B, L)
  auto row = similarity.logsumexp(2) - own;
  auto column = similarity.logsumexp(1) - own;
  if (absent.defined()) {
    row = row.masked_fill(absent, 0);
    column = column.masked_fill(absent, 0);
  }
  return {.similarity = similarity, .row = row, .column = column};
}

// Half the weighted cross-entropies of rows and columns, summed over tokens and divided by `samples`.
[[nodiscard]] inline Tensor weighted_loss(const TokenContrast& contrast,
                                          const Tensor& weights,    // (B, L), without gradient
                                          const Tensor& samples) {  // scalar, how many samples count
  return (weights * (contrast.row + contrast.column)).sum() / (samples * 2);
}

}  // namespace mgca::ops

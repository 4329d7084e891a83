// Contrast inside one sample: each word must find its own attended image region among those of the other words, and
// each patch likewise.
// Reference: MGCA, section 3.2, equations 5 and 6.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/ops/unit.hpp>

namespace mgca::ops {

struct TokenContrastInputs {
  Tensor tokens;    // (B, L, D) unit rows
  Tensor attended;  // (B, L, D) what each token found on the other side
  Tensor weights;   // (B, L) importance of each token, rows sum to 1
  Tensor valid;     // (B, L) bool: tokens that take part; undefined: all
  Tensor samples;   // scalar: number of samples that count in the mean
};

struct TokenContrast {
  Tensor similarity;  // (B, L, L) over temperature, of invalid tokens too
  Tensor row_loss;    // (B, L) cross-entropy of finding the diagonal in each row
  Tensor column_loss; // (B, L) and in each column
  Tensor rows;        // scalar: weighted, averaged over samples
  Tensor columns;

  [[nodiscard]] Tensor mean() const { return (rows + columns) / 2; }
};

// Both cross-entropies come from one similarity matrix. Tokens outside `valid` are in no denominator and cost 0.
[[nodiscard]] inline TokenContrast token_contrast(const TokenContrastInputs& in, double temperature) {
  MGCA_CHECK(in.tokens.dim() == 3 && in.tokens.sizes() == in.attended.sizes(), "token_contrast: expected tokens (B, L, D) and as many attended, got ",
             in.tokens.sizes(), " and ", in.attended.sizes());
  MGCA_CHECK(in.weights.sizes() == in.tokens.sizes().slice(0, 2), "token_contrast: expected weights (B, L) for tokens ", in.tokens.sizes(),
             ", got ", in.weights.sizes());
  MGCA_CHECK(temperature > 0, "token_contrast: temperature must be positive, got ", temperature);
  const auto scope = exact_scope(in.tokens);
  TokenContrast out;
  out.similarity = (exact(in.tokens) / temperature).bmm(exact(in.attended).transpose(1, 2));  // (B, L, L)
  const auto diagonal = out.similarity.diagonal(0, 1, 2);                                      // (B, L)
  if (in.valid.defined()) {
    const auto outside = (in.valid.unsqueeze(1) & in.valid.unsqueeze(2)).logical_not();
    const auto masked = out.similarity.masked_fill(outside, -1e9);  // finite: rows without a valid token stay numbers
    const auto unused = in.valid.logical_not();
    out.row_loss = (masked.logsumexp(2) - diagonal).masked_fill(unused, 0);
    out.column_loss = (masked.logsumexp(1) - diagonal).masked_fill(unused, 0);
  } else {
    out.row_loss = out.similarity.logsumexp(2) - diagonal;
    out.column_loss = out.similarity.logsumexp(1) - diagonal;
  }
  out.rows = (in.weights * out.row_loss).sum() / in.samples;
  out.columns = (in.weights * out.column_loss).sum() / in.samples;
  return out;
}

}  // namespace mgca::ops

// Contrast inside one sample: each word must find its own attended image region among those of the other words, and
// each patch likewise.
// Reference: MGCA, section 3.2, equations 5 and 6.
#pragma once

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
  Tensor similarity;  // (B, L, L) over temperature
  Tensor row_loss;    // (B, L) cross-entropy of finding the diagonal in each row
  Tensor column_loss; // (B, L) and in each column
  Tensor rows;        // scalar: weighted, averaged over samples
  Tensor columns;

  [[nodiscard]] Tensor mean() const { return (rows + columns) / 2; }
};

// Both cross-entropies come from one similarity matrix. Tokens outside `valid` are in no denominator and cost 0.
[[nodiscard]] inline TokenContrast token_contrast(const TokenContrastInputs& in, double temperature) {
  const auto scope = exact_scope(in.tokens);
  auto similarity = exact(in.tokens).bmm(exact(in.attended).transpose(1, 2)) / temperature;  // (B, L, L)
  const auto diagonal = similarity.diagonal(0, 1, 2);                                              // (B, L)
  TokenContrast out;
  if (in.valid.defined()) {
    const auto outside = (in.valid.unsqueeze(1) & in.valid.unsqueeze(2)).logical_not();
    const auto masked = similarity.masked_fill(outside, -1e9);  // finite: rows without a valid token stay numbers
    const auto unused = in.valid.logical_not();
    out.row_loss = (masked.logsumexp(2) - diagonal).masked_fill(unused, 0);
    out.column_loss = (masked.logsumexp(1) - diagonal).masked_fill(unused, 0);
    similarity = similarity.masked_fill(outside, 0);
  } else {
    out.row_loss = similarity.logsumexp(2) - diagonal;
    out.column_loss = similarity.logsumexp(1) - diagonal;
  }
  out.similarity = similarity;
  out.rows = (in.weights * out.row_loss).sum() / in.samples;
  out.columns = (in.weights * out.column_loss).sum() / in.samples;
  return out;
}

}  // namespace mgca::ops

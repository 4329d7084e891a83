// Word pieces to words: the sum over the pieces of each word, as one batched matrix product.
// Reference: MGCA, section 3.1, "token-wise ... aggregation"; sums, not means, as in the published code.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/torch.hpp>

namespace mgca::ops {

// Row j of the result holds ones at the tokens of word slot j: (B, T) slots -> (B, T-1, T). A slot of -1 is nobody's.
[[nodiscard]] inline Tensor word_grouping(const Tensor& word_slot) {
  const auto slots = torch::arange(word_slot.size(1) - 1, word_slot.options());  // (W)
  return word_slot.unsqueeze(1).eq(slots.view({1, -1, 1}));                      // (B, W, T) bool
}

// (B, T, D) pieces and (B, T) slots -> (B, T-1, D) words; slots nobody uses are 0.
[[nodiscard]] inline Tensor word_pool(const Tensor& pieces, const Tensor& word_slot) {
  MGCA_CHECK(pieces.dim() == 3 && word_slot.sizes() == pieces.sizes().slice(0, 2), "word_pool: expected pieces (B, T, D) and slots (B, T), got ",
             pieces.sizes(), " and ", word_slot.sizes());
  return word_grouping(word_slot).to(pieces.scalar_type()).bmm(pieces);
}

}  // namespace mgca::ops

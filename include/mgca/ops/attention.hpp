// Scaled dot-product attention, and the one row of its weights that MGCA looks at.
// Reference: Vaswani et al. 2017, section 3.2.1.
#pragma once

#include <mgca/tensor/torch.hpp>

#include <cmath>
#include <optional>

namespace mgca::ops {

struct AttentionInputs {
  Tensor query;  // (B, heads, N, d)
  Tensor key;    // (B, heads, M, d)
  Tensor value;  // (B, heads, M, d)
  Tensor bias;   // (B, 1, 1, M) added to the scores; undefined: none
};

// softmax(q k^T / sqrt(d) + bias) v, (B, heads, N, d), through the fused kernel of the device.
[[nodiscard]] inline Tensor attend(const AttentionInputs& in, double dropout = 0) {
  const std::optional<Tensor> bias = in.bias.defined() ? std::optional(in.bias.to(in.query.scalar_type())) : std::nullopt;
  return at::scaled_dot_product_attention(in.query, in.key, in.value, bias, dropout);
}

// The weights themselves, (B, heads, N, M), without dropout. Fused kernels never form them, so they are computed here;
// pass one query row to get one row.
[[nodiscard]] inline Tensor attention_weights(const Tensor& query, const Tensor& key, const Tensor& bias = {}) {
  auto score = query.matmul(key.transpose(-2, -1)) / std::sqrt(static_cast<double>(query.size(-1)));
  if (bias.defined()) score = score + bias;
  return score.softmax(-1, torch::promote_types(score.scalar_type(), torch::kFloat32));
}

}  // namespace mgca::ops

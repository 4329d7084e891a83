// Multi-head self-attention of a vision transformer, with one joint projection to queries, keys and values.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/ops/attention.hpp>
#include <mgca/tensor/handle.hpp>

namespace mgca {

// Which attention weights a block computes beside its output.
enum class AttentionWeights : uint8_t {
  none,
  summary,  // the row of the first token, (B, heads, 1, N), without gradient
  full,     // all rows, (B, heads, N, N), without gradient
};

struct AttentionOutput {
  Tensor tokens;   // (B, N, width)
  Tensor weights;  // as asked for; undefined for AttentionWeights::none
};

struct SelfAttentionConfig {
  int64_t width = 768;
  int64_t heads = 12;
};

struct SelfAttentionImpl : torch::nn::Module {
  using Config = SelfAttentionConfig;

  explicit SelfAttentionImpl(const Config& c)
      : qkv(register_module("qkv", torch::nn::Linear(c.width, 3 * c.width))),
        proj(register_module("proj", torch::nn::Linear(c.width, c.width))), heads_(c.heads) {
    MGCA_CHECK(c.width % c.heads == 0, "self_attention: width ", c.width, " is not a multiple of heads ", c.heads);
  }

  AttentionOutput forward(const Tensor& x, AttentionWeights wanted) {  // (B, N, width)
    const auto B = x.size(0), N = x.size(1), D = x.size(2);
    const auto parts = qkv(x).view({B, N, 3, heads_, D / heads_}).permute({2, 0, 3, 1, 4});  // (3, B, heads, N, d)
    const auto query = parts[0], key = parts[1], value = parts[2];
    const auto mixed = ops::attend({.query = query, .key = key, .value = value});  // (B, heads, N, d)
    return {.tokens = proj(mixed.transpose(1, 2).reshape({B, N, D})), .weights = weights(query, key, wanted)};
  }

  torch::nn::Linear qkv, proj;

 private:
  static Tensor weights(const Tensor& query, const Tensor& key, AttentionWeights wanted) {
    const torch::NoGradGuard no_grad;
    if (wanted == AttentionWeights::none) return {};
    return ops::attention_weights(wanted == AttentionWeights::full ? query : query.slice(2, 0, 1), key);
  }

  int64_t heads_;
};
using SelfAttention = Handle<SelfAttentionImpl>;

}  // namespace mgca

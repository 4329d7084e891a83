// Learned attention between patches and words: multi-head attention with separate queries and keys.
// Reference: Vaswani et al. 2017; key names of torch.nn.MultiheadAttention, which the published files use.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/ops/attention.hpp>
#include <mgca/tensor/handle.hpp>

#include <cmath>

namespace mgca {

struct LocalAttentionConfig {
  int64_t width = 128;
  int64_t heads = 1;
};

struct LocalAttentionImpl : torch::nn::Module {
  using Config = LocalAttentionConfig;

  explicit LocalAttentionImpl(const Config& c)
      : in_proj_weight(register_parameter("in_proj_weight", torch::empty({3 * c.width, c.width}))),
        in_proj_bias(register_parameter("in_proj_bias", torch::zeros({3 * c.width}))),
        out_proj(register_module("out_proj", torch::nn::Linear(c.width, c.width))), heads_(c.heads) {
    MGCA_CHECK(c.width % c.heads == 0, "local_attention: width ", c.width, " is not a multiple of heads ", c.heads);
    const torch::NoGradGuard no_grad;
    const double bound = std::sqrt(6.0 / static_cast<double>(4 * c.width));  // Xavier: fan-in D, fan-out 3 D
    in_proj_weight.uniform_(-bound, bound);
    out_proj->bias.zero_();
  }

  // queries (B, L, D), keys (B, N, D) -> (B, L, D). Keys outside `valid` (B, N) bool receive nothing.
  Tensor forward(const Tensor& queries, const Tensor& keys, const Tensor& valid = {}) {
    const auto weight = in_proj_weight.chunk(3), bias = in_proj_bias.chunk(3);
    const auto split = [&](const Tensor& x) { return x.view({x.size(0), x.size(1), heads_, -1}).transpose(1, 2); };  // (B, heads, ., d)
    const auto query = split(torch::linear(queries, weight[0], bias[0]));
    const auto key = split(torch::linear(keys, weight[1], bias[1]));
    const auto value = split(torch::linear(keys, weight[2], bias[2]));
    Tensor outside;
    if (valid.defined()) outside = torch::zeros_like(valid, torch::kFloat32).masked_fill(valid.logical_not(), -1e9).unsqueeze(1).unsqueeze(1);
    const auto mixed = ops::attention_weights(query, key, outside).to(value.scalar_type()).matmul(value);  // (B, heads, L, d)
    return out_proj(mixed.transpose(1, 2).flatten(2));
  }

  Tensor in_proj_weight, in_proj_bias;
  torch::nn::Linear out_proj;

 private:
  int64_t heads_;
};
using LocalAttention = Handle<LocalAttentionImpl>;

}  // namespace mgca

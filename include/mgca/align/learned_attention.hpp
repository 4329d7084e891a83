// Multi-head attention between the two sides' tokens, with the parameter layout of the published checkpoints:
// one stacked matrix for queries, keys and values, and an output layer.
// Reference: Vaswani et al. 2017.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/handle.hpp>

#include <cmath>
#include <cstdint>

namespace mgca {

struct LearnedAttentionConfig {
  int64_t width = 128;  // channels of both sides
  int64_t heads = 1;

  static void describe(auto& self, auto&& field) {
    field("width", self.width, "channels of both sides");
    field("heads", self.heads, "attention heads");
  }
  void validate() const {
    MGCA_CHECK(width > 0 && heads > 0 && width % heads == 0, "learned_attention: width ", width,
               " is not a positive multiple of heads ", heads);
  }
};

struct LearnedAttentionImpl : torch::nn::Module {
  using Config = LearnedAttentionConfig;

  explicit LearnedAttentionImpl(const Config& c)
      : config((c.validate(), c)),
        in_proj_weight(register_parameter("in_proj_weight", torch::empty({3 * c.width, c.width}))),
        in_proj_bias(register_parameter("in_proj_bias", torch::zeros({3 * c.width}))),
        out_proj(register_module("out_proj", torch::nn::Linear(c.width, c.width))) {
    const torch::NoGradGuard no_grad;
    const double bound = std::sqrt(6.0 / static_cast<double>(4 * c.width));  // Xavier over the stacked matrix
    in_proj_weight.uniform_(-bound, bound);
    out_proj->bias.zero_();
  }

  // `key_valid`: true where a key exists; undefined: all exist. Samples without any key get an arbitrary finite result.
  Tensor forward(const Tensor& queries,           // (B, L, width)
                 const Tensor& keys,              // (B, N, width), also the values
                 const Tensor& key_valid = {}) {  // (B, N) bool
    const auto weight = in_proj_weight.split(config.width);
    const auto bias = in_proj_bias.split(config.width);
    const auto q = heads(torch::linear(queries, weight[0], bias[0]));  // (B, heads, L, width / heads)
    const auto k = heads(torch::linear(keys, weight[1], bias[1]));
    const auto v = heads(torch::linear(keys, weight[2], bias[2]));
    c10::optional<Tensor> mask;
    if (key_valid.defined()) {
      const auto none = key_valid.any(1, /*keepdim=*/true).logical_not();  // a softmax over nothing would be NaN
      mask = key_valid.logical_or(none).unsqueeze(1).unsqueeze(1);         // (B, 1, 1, N)
    }
    const auto mixed = torch::scaled_dot_product_attention(q, k, v, mask);  // (B, heads, L, width / heads)
    return out_proj(mixed.transpose(1, 2).flatten(2));                      // (B, L, width)
  }

  const Config config;
  Tensor in_proj_weight, in_proj_bias;
  torch::nn::Linear out_proj;

 private:
  [[nodiscard]] Tensor heads(const Tensor& x) const {
    return x.unflatten(-1, {config.heads, config.width / config.heads}).transpose(1, 2);
  }
};
using LearnedAttention = Handle<LearnedAttentionImpl>;

}  // namespace mgca

// One pre-norm transformer block: x + attention(norm(x)), then x + mlp(norm(x)).
// Reference: Dosovitskiy et al. 2021, equations 2 and 3.
#pragma once

#include <mgca/nn/mlp.hpp>
#include <mgca/nn/self_attention.hpp>
#include <mgca/tensor/handle.hpp>

namespace mgca {

struct VitBlockConfig {
  int64_t width = 768;
  int64_t heads = 12;
  int64_t hidden = 3072;  // of the perceptron
};

struct VitBlockImpl : torch::nn::Module {
  using Config = VitBlockConfig;
  static constexpr double kNormEpsilon = 1e-6;

  explicit VitBlockImpl(const Config& c)
      : norm1(register_module("norm1", torch::nn::LayerNorm(torch::nn::LayerNormOptions({c.width}).eps(kNormEpsilon)))),
        attn(register_module("attn", SelfAttention({.width = c.width, .heads = c.heads}))),
        norm2(register_module("norm2", torch::nn::LayerNorm(torch::nn::LayerNormOptions({c.width}).eps(kNormEpsilon)))),
        mlp(register_module("mlp", Mlp({.width = c.width, .hidden = c.hidden}))) {}

  AttentionOutput forward(const Tensor& tokens, AttentionWeights wanted) {  // (B, N, width)
    const auto attended = attn(norm1(tokens), wanted);
    const auto x = tokens + attended.tokens;
    return {.tokens = x + mlp(norm2(x)), .weights = attended.weights};
  }

  torch::nn::LayerNorm norm1;
  SelfAttention attn;
  torch::nn::LayerNorm norm2;
  Mlp mlp;
};
using VitBlock = Handle<VitBlockImpl>;

}  // namespace mgca

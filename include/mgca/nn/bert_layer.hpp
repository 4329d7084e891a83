// One post-norm transformer layer of BERT. The nesting of small modules is that of the checkpoints' key names.
// Reference: Devlin et al. 2019. Official code: every layer also owns a cross-attention block that never runs; its parameters
// are registered where the published layout is asked for, so that files and counts agree.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/nn/self_attention.hpp>
#include <mgca/ops/attention.hpp>
#include <mgca/tensor/handle.hpp>

namespace mgca {

struct BertLayerConfig {
  int64_t width = 768;
  int64_t heads = 12;
  int64_t intermediate = 3072;
  double dropout = 0.1;         // of hidden states and of attention
  bool cross_attention = false; // register the published layout's unused block
};

namespace detail {

inline torch::nn::LayerNorm bert_norm(int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(1e-12));
}

// "self": queries, keys and values, each with its own projection.
struct BertProjectionsImpl : torch::nn::Module {
  using Config = BertLayerConfig;
  explicit BertProjectionsImpl(const Config& c)
      : query(register_module("query", torch::nn::Linear(c.width, c.width))),
        key(register_module("key", torch::nn::Linear(c.width, c.width))),
        value(register_module("value", torch::nn::Linear(c.width, c.width))) {}
  torch::nn::Linear query, key, value;
};

struct DenseNormConfig {
  int64_t in = 768;
  int64_t out = 768;
  double dropout = 0.1;
};

// "output": a projection, dropout, and the norm after the residual sum.
struct DenseNormImpl : torch::nn::Module {
  using Config = DenseNormConfig;
  explicit DenseNormImpl(const Config& c)
      : dense(register_module("dense", torch::nn::Linear(c.in, c.out))), norm(register_module("LayerNorm", bert_norm(c.out))),
        dropout_(c.dropout) {}
  Tensor forward(const Tensor& x, const Tensor& residual) {
    return norm(torch::dropout(dense(x), dropout_, is_training()) + residual);
  }
  torch::nn::Linear dense;
  torch::nn::LayerNorm norm;

 private:
  double dropout_;
};

struct BertAttentionImpl : torch::nn::Module {
  using Config = BertLayerConfig;

  explicit BertAttentionImpl(const Config& c)
      : self(register_module("self", Handle<BertProjectionsImpl>(c))),
        output(register_module("output", Handle<DenseNormImpl>({.in = c.width, .out = c.width, .dropout = c.dropout}))), config_(c) {}

  AttentionOutput forward(const Tensor& x, const Tensor& bias, AttentionWeights wanted) {  // (B, T, width)
    const auto B = x.size(0), T = x.size(1), D = x.size(2);
    const auto split = [&](const Tensor& y) { return y.view({B, T, config_.heads, D / config_.heads}).transpose(1, 2); };
    const auto query = split(self->query(x)), key = split(self->key(x)), value = split(self->value(x));  // (B, heads, T, d)
    const auto mixed = ops::attend({.query = query, .key = key, .value = value, .bias = bias}, is_training() ? config_.dropout : 0.0);
    return {.tokens = output(mixed.transpose(1, 2).reshape({B, T, D}), x), .weights = weights(query, key, bias, wanted)};
  }

  Handle<BertProjectionsImpl> self;
  Handle<DenseNormImpl> output;

 private:
  static Tensor weights(const Tensor& query, const Tensor& key, const Tensor& bias, AttentionWeights wanted) {
    const torch::NoGradGuard no_grad;
    if (wanted == AttentionWeights::none) return {};
    return ops::attention_weights(wanted == AttentionWeights::full ? query : query.slice(2, 0, 1), key, bias);
  }

  Config config_;
};

struct BertIntermediateImpl : torch::nn::Module {
  using Config = BertLayerConfig;
  explicit BertIntermediateImpl(const Config& c) : dense(register_module("dense", torch::nn::Linear(c.width, c.intermediate))) {}
  Tensor forward(const Tensor& x) { return torch::gelu(dense(x)); }
  torch::nn::Linear dense;
};

}  // namespace detail

struct BertLayerImpl : torch::nn::Module {
  using Config = BertLayerConfig;

  explicit BertLayerImpl(const Config& c)
      : attention(register_module("attention", Handle<detail::BertAttentionImpl>(c))),
        crossattention(c.cross_attention ? register_module("crossattention", Handle<detail::BertAttentionImpl>(c)) : nullptr),
        intermediate(register_module("intermediate", Handle<detail::BertIntermediateImpl>(c))),
        output(register_module("output", Handle<detail::DenseNormImpl>({.in = c.intermediate, .out = c.width, .dropout = c.dropout}))) {}

  // `bias` (B, 1, 1, T) is added to the attention scores of every query.
  AttentionOutput forward(const Tensor& tokens, const Tensor& bias, AttentionWeights wanted) {
    const auto attended = attention(tokens, bias, wanted);  // (B, T, width)
    return {.tokens = output(intermediate(attended.tokens), attended.tokens), .weights = attended.weights};
  }

  Handle<detail::BertAttentionImpl> attention;
  Handle<detail::BertAttentionImpl> crossattention;  // unused; at its place, because optimiser states go by the order of parameters
  Handle<detail::BertIntermediateImpl> intermediate;
  Handle<detail::DenseNormImpl> output;
};
using BertLayer = Handle<BertLayerImpl>;

}  // namespace mgca

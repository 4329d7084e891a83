// The projection heads: features to the space in which images and reports are compared.
// Linear, batch norm, ReLU, linear, batch norm without scale and shift; the local head does the same to every patch or word.
// Reference: MGCA, section 4; heads of SimCLR, Chen et al. 2020.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/nn/token_norm.hpp>
#include <mgca/tensor/handle.hpp>

namespace mgca {

struct ProjectionConfig {
  int64_t in = 768;
  int64_t hidden = 2048;
  int64_t out = 128;
};

namespace detail {

// Children carry the checkpoint's names: head.0, head.1, head.3, head.4.
template <class Dense>
struct ProjectionLayersImpl : torch::nn::Module {
  using Config = ProjectionConfig;

  explicit ProjectionLayersImpl(const Config& c)
      : first(register_module("0", dense(c.in, c.hidden))), norm1(register_module("1", TokenNorm({.width = c.hidden}))),
        second(register_module("3", dense(c.hidden, c.out))),
        norm2(register_module("4", TokenNorm({.width = c.out, .affine = false}))) {}

  static Dense dense(int64_t in, int64_t out) {
    if constexpr (std::is_same_v<Dense, torch::nn::Linear>) return Dense(in, out);
    else return Dense(torch::nn::Conv1dOptions(in, out, 1));  // its weight has the published shape (out, in, 1)
  }

  Dense first;
  TokenNorm norm1;
  Dense second;
  TokenNorm norm2;
};

// The same product for both kinds of layer: rows times the transposed weight.
template <class Dense>
Tensor apply_rows(Dense& layer, const Tensor& rows) {
  auto weight = layer->weight;
  if (weight.dim() == 3) weight = weight.squeeze(2);
  return torch::linear(rows, weight, layer->bias);
}

template <class Dense>
struct ProjectionImpl : torch::nn::Module {
  using Config = ProjectionConfig;
  explicit ProjectionImpl(const Config& c) : head(register_module("head", Handle<ProjectionLayersImpl<Dense>>(c))), in_(c.in) {}

  // (..., in) -> (..., out), not normalised. With `valid` (...) bool only those rows enter the batch statistics, and all
  // others come out as 0.
  Tensor forward(const Tensor& x, const Tensor& valid = {}) {
    MGCA_CHECK(x.dim() >= 2 && x.size(-1) == in_, "projection: expected features (..., ", in_, "), got ", x.sizes(), "; build the head with .in = their width");
    const auto hidden = torch::relu(head->norm1(apply_rows(head->first, x), valid));
    const auto out = head->norm2(apply_rows(head->second, hidden), valid);
    return valid.defined() ? out * valid.unsqueeze(-1) : out;
  }

  Handle<ProjectionLayersImpl<Dense>> head;

 private:
  int64_t in_;
};

}  // namespace detail

using GlobalProjection = Handle<detail::ProjectionImpl<torch::nn::Linear>>;
using LocalProjection = Handle<detail::ProjectionImpl<torch::nn::Conv1d>>;

}  // namespace mgca

// The two-layer perceptron of a transformer block, with the exact (erf) GELU.
#pragma once

#include <mgca/tensor/handle.hpp>

namespace mgca {

struct MlpConfig {
  int64_t width = 768;    // channels in and out
  int64_t hidden = 3072;  // channels between
};

struct MlpImpl : torch::nn::Module {
  using Config = MlpConfig;

  explicit MlpImpl(const Config& c)
      : fc1(register_module("fc1", torch::nn::Linear(c.width, c.hidden))),
        fc2(register_module("fc2", torch::nn::Linear(c.hidden, c.width))) {}

  Tensor forward(const Tensor& x) { return fc2(torch::gelu(fc1(x))); }  // (B, N, width)

  torch::nn::Linear fc1, fc2;
};
using Mlp = Handle<MlpImpl>;

}  // namespace mgca

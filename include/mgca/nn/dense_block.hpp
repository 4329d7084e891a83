// The parts of DenseNet: layers that each add a few channels to all before them, and the transition that halves channels and side.
// Reference: Huang et al. 2017; key names of torchvision.
#pragma once

#include <mgca/nn/batch_norm.hpp>
#include <mgca/nn/residual_block.hpp>  // plain_conv
#include <mgca/tensor/handle.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace mgca {

struct DenseLayerConfig {
  int64_t in = 64;
  int64_t growth = 32;  // channels it adds; four times as many inside
};

struct DenseLayerImpl : torch::nn::Module {
  using Config = DenseLayerConfig;

  explicit DenseLayerImpl(const Config& c)
      : norm1(register_module("norm1", BatchNorm2d(c.in))),
        conv1(register_module("conv1", detail::plain_conv({c.in, 4 * c.growth, 1, 1}))),
        norm2(register_module("norm2", BatchNorm2d(4 * c.growth))),
        conv2(register_module("conv2", detail::plain_conv({4 * c.growth, c.growth, 3, 1}))) {}

  Tensor forward(const Tensor& x) {  // (B, in, H, W) -> (B, growth, H, W)
    return conv2(torch::relu(norm2(conv1(torch::relu(norm1(x))))));
  }

  BatchNorm2d norm1;
  torch::nn::Conv2d conv1;
  BatchNorm2d norm2;
  torch::nn::Conv2d conv2;
};
using DenseLayer = Handle<DenseLayerImpl>;

struct DenseBlockConfig {
  int64_t in = 64;
  int64_t growth = 32;
  int64_t layers = 6;

  [[nodiscard]] int64_t out() const { return in + layers * growth; }
};

struct DenseBlockImpl : torch::nn::Module {
  using Config = DenseBlockConfig;

  explicit DenseBlockImpl(const Config& c) {
    for (int64_t i = 0; i < c.layers; ++i) {
      layers.push_back(register_module("denselayer" + std::to_string(i + 1), DenseLayer({.in = c.in + i * c.growth, .growth = c.growth})));
    }
  }

  Tensor forward(const Tensor& x) {  // (B, in, H, W) -> (B, in + layers * growth, H, W)
    std::vector<Tensor> all{x};
    for (auto& layer : layers) all.push_back(layer(all.size() == 1 ? x : torch::cat(all, 1)));
    return torch::cat(all, 1);
  }

  std::vector<DenseLayer> layers;
};
using DenseBlock = Handle<DenseBlockImpl>;

struct DenseTransitionConfig {
  int64_t in = 256;
};

struct DenseTransitionImpl : torch::nn::Module {
  using Config = DenseTransitionConfig;

  explicit DenseTransitionImpl(const Config& c)
      : norm(register_module("norm", BatchNorm2d(c.in))), conv(register_module("conv", detail::plain_conv({c.in, c.in / 2, 1, 1}))) {}

  // What leaves a block, normalised, before channels and side are halved: (B, in, H, W).
  Tensor normed(const Tensor& x) { return torch::relu(norm(x)); }
  Tensor halved(const Tensor& normed_x) { return torch::avg_pool2d(conv(normed_x), 2, 2); }  // (B, in / 2, H / 2, W / 2)
  Tensor forward(const Tensor& x) { return halved(normed(x)); }

  BatchNorm2d norm;
  torch::nn::Conv2d conv;
};
using DenseTransition = Handle<DenseTransitionImpl>;

}  // namespace mgca

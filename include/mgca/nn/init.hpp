// Starting values of weights, by the custom of each family. Draws come from torch's generator: seed it with
// torch::manual_seed before building a model that must be reproducible.
#pragma once

#include <mgca/tensor/handle.hpp>

#include <cmath>
#include <cstdint>

namespace mgca::nn {

// Linear and embedding weights from a normal distribution, biases 0; norms keep scale 1 and shift 0.
// Reference: BERT and ViT use a standard deviation of 0.02. ViT's truncation at +-2 lies a hundred deviations out and is
// left away.
inline void normal_weights(torch::nn::Module& module, double deviation = 0.02) {
  const torch::NoGradGuard no_grad;
  for (const auto& child : module.modules(/*include_self=*/false)) {
    if (auto* linear = child->as<torch::nn::LinearImpl>()) {
      linear->weight.normal_(0, deviation);
      if (linear->bias.defined()) linear->bias.zero_();
    } else if (auto* embedding = child->as<torch::nn::EmbeddingImpl>()) {
      embedding->weight.normal_(0, deviation);
    }
  }
}

// Whether the variance keeps what goes back (out) or what goes forward (in).
enum class Fan : uint8_t { out, in };

// Convolution weights from a normal distribution of variance 2 / (out or in channels x kernel area).
// Reference: He et al. 2015; torchvision initialises ResNets by fan-out, DenseNets by fan-in.
inline void kaiming_convolutions(torch::nn::Module& module, Fan mode = Fan::out) {
  const torch::NoGradGuard no_grad;
  for (const auto& child : module.modules(/*include_self=*/false)) {
    if (auto* conv = child->as<torch::nn::Conv2dImpl>()) {
      const auto& w = conv->weight;
      const auto fan = static_cast<double>(w.size(mode == Fan::out ? 0 : 1) * w.size(2) * w.size(3));
      conv->weight.normal_(0, std::sqrt(2.0 / fan));
      if (conv->bias.defined()) conv->bias.zero_();
    }
  }
}

}  // namespace mgca::nn

// An image as a row of patches, each projected to a token.
#pragma once

#include <mgca/tensor/handle.hpp>

namespace mgca {

struct PatchEmbedConfig {
  int64_t patch_size = 16;  // pixels
  int64_t channels = 3;
  int64_t width = 768;
};

struct PatchEmbedImpl : torch::nn::Module {
  using Config = PatchEmbedConfig;

  explicit PatchEmbedImpl(const Config& c)
      : proj(register_module("proj", torch::nn::Conv2d(torch::nn::Conv2dOptions(c.channels, c.width, c.patch_size).stride(c.patch_size)))) {}

  // (B, 3, S, S) -> (B, P, width), patches row by row.
  Tensor forward(const Tensor& images) { return proj(images).flatten(2).transpose(1, 2); }

  torch::nn::Conv2d proj;
};
using PatchEmbed = Handle<PatchEmbedImpl>;

}  // namespace mgca

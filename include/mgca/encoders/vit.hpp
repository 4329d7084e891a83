// Vision transformer: a radiograph as patches, read by pre-norm blocks, summed up in a class token.
// Reference: Dosovitskiy et al. 2021; weights and key names of DeiT, Touvron et al. 2021.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/encoders/features.hpp>
#include <mgca/nn/init.hpp>
#include <mgca/nn/patch_embed.hpp>
#include <mgca/nn/vit_block.hpp>
#include <mgca/tensor/handle.hpp>

#include <vector>

namespace mgca {

struct VitConfig {
  int64_t image_size = 224;  // pixels, square
  int64_t patch_size = 16;   // pixels
  int64_t width = 768;       // channels per token
  int64_t depth = 12;        // blocks
  int64_t heads = 12;        // attention heads
  double mlp_ratio = 4.0;    // hidden width of the perceptron over width

  static void describe(auto& self, auto&& field) {
    field("image_size", self.image_size, "side of the square input, pixels");
    field("patch_size", self.patch_size, "side of one patch, pixels");
    field("width", self.width, "channels per token");
    field("depth", self.depth, "transformer blocks");
    field("heads", self.heads, "attention heads");
    field("mlp_ratio", self.mlp_ratio, "hidden width of the perceptron over width");
  }
  void validate() const {
    MGCA_CHECK(patch_size > 0 && image_size > 0 && image_size % patch_size == 0, "vit: image_size ", image_size,
               " is not a multiple of patch_size ", patch_size);
    MGCA_CHECK(heads > 0 && width > 0 && width % heads == 0, "vit: width ", width, " is not a multiple of heads ", heads);
    MGCA_CHECK(depth > 0 && mlp_ratio > 0, "vit: expected positive depth and mlp_ratio, got ", depth, " and ", mlp_ratio);
  }
  [[nodiscard]] int64_t patches() const { return (image_size / patch_size) * (image_size / patch_size); }
};

struct VitImpl : torch::nn::Module {
  using Config = VitConfig;

  explicit VitImpl(const Config& c)
      : config((c.validate(), c)), cls_token(register_parameter("cls_token", torch::empty({1, 1, c.width}).normal_(0, 0.02))),
        pos_embed(register_parameter("pos_embed", torch::empty({1, 1 + c.patches(), c.width}).normal_(0, 0.02))),
        patch_embed(register_module("patch_embed", PatchEmbed({.patch_size = c.patch_size, .width = c.width}))),
        norm(torch::nn::LayerNormOptions({c.width}).eps(VitBlockImpl::kNormEpsilon)) {
    const auto hidden = static_cast<int64_t>(static_cast<double>(c.width) * c.mlp_ratio);
    torch::nn::ModuleList list;
    for (int64_t i = 0; i < c.depth; ++i) {
      blocks.emplace_back(VitBlockConfig{.width = c.width, .heads = c.heads, .hidden = hidden});
      list->push_back(blocks.back());
    }
    register_module("blocks", list);
    register_module("norm", norm);
    nn::normal_weights(*this);
  }

  // Class token and patches with their positions, (B, 1 + P, D): what the first block reads.
  [[nodiscard]] Tensor embedded(const Tensor& images) {  // (B, 3, S, S)
    MGCA_CHECK(images.dim() == 4 && images.size(1) == 3 && images.size(2) == config.image_size && images.size(3) == config.image_size,
               "vit: expected images (B, 3, ", config.image_size, ", ", config.image_size, "), got ", images.sizes(),
               "; resize them or build the encoder with that image_size");
    MGCA_CHECK(images.is_floating_point(), "vit: expected images in [-1, 1], got ", torch::toString(images.scalar_type()), "; see network_input()");
    const auto patches = patch_embed(images);  // (B, P, D)
    const auto cls = cls_token.expand({images.size(0), -1, -1}).to(patches.scalar_type());
    return torch::cat({cls, patches}, 1) + pos_embed;
  }

  // The tokens after the last block and norm, and the last block's attention weights as asked for.
  AttentionOutput tokens(const Tensor& images, AttentionWeights wanted) {
    AttentionOutput x{.tokens = embedded(images)};  // (B, 1 + P, D)
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      x = blocks[i](x.tokens, i + 1 == blocks.size() ? wanted : AttentionWeights::none);
    }
    x.tokens = norm(x.tokens);
    return x;
  }

  // What every block gave, before the final norm.
  [[nodiscard]] LayerStates layers(const Tensor& images) {
    LayerStates all{.hidden = {embedded(images)}, .attention = {}};
    for (auto& block : blocks) {
      const auto x = block(all.hidden.back(), AttentionWeights::full);
      all.hidden.push_back(x.tokens);
      all.attention.push_back(x.weights);
    }
    return all;
  }

  Features forward(const Tensor& images) {  // (B, 3, S, S) in [-1, 1]
    const auto x = tokens(images, AttentionWeights::summary);
    return {.global = x.tokens.select(1, 0),                                 // (B, D)
            .local = x.tokens.slice(1, 1),                                   // (B, P, D)
            .attention = x.weights.select(2, 0).slice(-1, 1).mean(1)};       // (B, P)
  }

  [[nodiscard]] int64_t global_width() const { return config.width; }
  [[nodiscard]] int64_t local_width() const { return config.width; }
  [[nodiscard]] int64_t image_size() const { return config.image_size; }

  const Config config;
  Tensor cls_token, pos_embed;
  PatchEmbed patch_embed;
  std::vector<VitBlock> blocks;
  torch::nn::LayerNorm norm;
};
using Vit = Handle<VitImpl>;

}  // namespace mgca

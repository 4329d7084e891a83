// U-Net: the stages of a convolutional tower, enlarged again step by step to a mask of the image's size.
// Each block enlarges, joins the tower's next finer stage and convolves twice; child names are the published checkpoints' key names.
// References: Ronneberger et al. 2015; segmentation_models.pytorch (names, widths, start weights).
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/encoders/concepts.hpp>
#include <mgca/nn/batch_norm.hpp>
#include <mgca/nn/residual_block.hpp>  // plain_conv

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

namespace detail {

// Numbered children, as in a checkpoint: convolution, norm.
inline torch::nn::Sequential conv_norm(int64_t in, int64_t out) {
  return torch::nn::Sequential(plain_conv({in, out, 3, 1}), BatchNorm2d(out));
}
// Kaiming for ReLUs or Xavier, by what fans in and out.
inline void uniform_convolution(torch::nn::Conv2dImpl& conv, double variance) {
  const torch::NoGradGuard no_grad;
  const double bound = std::sqrt(3 * variance);
  conv.weight.uniform_(-bound, bound);
  if (conv.bias.defined()) conv.bias.zero_();
}

}  // namespace detail

struct UnetBlockConfig {
  int64_t in = 0;    // channels from the coarser side
  int64_t skip = 0;  // channels of the tower's stage; 0: none
  int64_t out = 0;
};

struct UnetBlockImpl : torch::nn::Module {
  using Config = UnetBlockConfig;

  explicit UnetBlockImpl(const Config& c)
      : conv1(register_module("conv1", detail::conv_norm(c.in + c.skip, c.out))),
        conv2(register_module("conv2", detail::conv_norm(c.out, c.out))) {}

  // (B, in, h, w) and the stage (B, skip, H, W) -> (B, out, H, W).
  Tensor forward(const Tensor& x, const Tensor& skip) {
    return convolved(torch::cat({at::upsample_nearest2d(x, {skip.size(2), skip.size(3)}), skip}, 1));
  }
  Tensor forward(const Tensor& x, at::IntArrayRef size) { return convolved(at::upsample_nearest2d(x, size)); }

  torch::nn::Sequential conv1, conv2;

 private:
  Tensor convolved(const Tensor& x) { return torch::relu(conv2->forward(torch::relu(conv1->forward(x)))); }
};
using UnetBlock = Handle<UnetBlockImpl>;

struct UnetDecoderConfig {
  std::array<int64_t, 5> stages{64, 256, 512, 1024, 2048};  // channels of the pyramid, C1 .. C5
  std::vector<int64_t> widths{256, 128, 64, 32, 16};        // channels out of each block, coarse to fine

  void validate() const {
    MGCA_CHECK(widths.size() == 5, "unet: expected 5 widths, one for each block, got ", widths.size());
    for (const auto width : widths) MGCA_CHECK(width > 0, "unet: expected positive widths, got ", width);
  }
};

struct UnetDecoderImpl : torch::nn::Module {
  using Config = UnetDecoderConfig;

  explicit UnetDecoderImpl(const Config& c) {
    c.validate();
    torch::nn::ModuleList list;
    auto in = c.stages[4];
    for (std::size_t i = 0; i < 5; ++i) {
      blocks.emplace_back(UnetBlockConfig{.in = in, .skip = i < 4 ? c.stages[3 - i] : 0, .out = c.widths[i]});
      list->push_back(blocks.back());
      in = c.widths[i];
    }
    register_module("blocks", list);
    for (const auto& child : modules(/*include_self=*/false)) {
      if (auto* conv = child->as<torch::nn::Conv2dImpl>())
        detail::uniform_convolution(*conv, 2.0 / static_cast<double>(conv->weight[0].numel()));
    }
  }

  // What each block gives, the last of size (H, W). The stages may be of any sizes: each block enlarges to the next finer one.
  [[nodiscard]] std::vector<Tensor> steps(const Pyramid& c, at::IntArrayRef size) {
    MGCA_CHECK(c.c1.defined() && c.c5.defined(), "unet: expected a pyramid with c1 .. c5; see ResNet::pyramid");
    std::vector<Tensor> all{blocks[0]->forward(c.c5, c.c4)};
    for (const auto& [i, skip] : {std::pair<std::size_t, Tensor>(1, c.c3), {2, c.c2}, {3, c.c1}})
      all.push_back(blocks[i]->forward(all.back(), skip));
    all.push_back(blocks[4]->forward(all.back(), size));
    return all;
  }
  Tensor forward(const Pyramid& c, at::IntArrayRef size) { return steps(c, size).back(); }  // (B, widths[4], H, W)

  std::vector<UnetBlock> blocks;
};
using UnetDecoder = Handle<UnetDecoderImpl>;

template <PyramidEncoder Encoder>
struct UnetConfig {
  typename Encoder::Config encoder;
  std::vector<int64_t> widths{256, 128, 64, 32, 16};  // channels out of each block of the decoder, coarse to fine

  static void describe(auto& self, auto&& field) {
    field("encoder", self.encoder, "the tower");
    field("widths", self.widths, "channels out of each block of the decoder, coarse to fine");
  }
};

template <PyramidEncoder Encoder>
struct UnetImpl : torch::nn::Module {
  using Config = UnetConfig<Encoder>;

  explicit UnetImpl(const Config& c) : UnetImpl(Encoder(c.encoder), c.widths) {}
  // On a tower that exists, which is shared.
  explicit UnetImpl(Encoder tower, const std::vector<int64_t>& widths = Config().widths)
      : encoder(register_module("encoder", std::move(tower))),
        decoder(register_module("decoder", UnetDecoder({.stages = encoder->pyramid_widths(), .widths = widths}))) {
    torch::nn::Conv2d conv(torch::nn::Conv2dOptions(widths[4], 1, 3).padding(1));
    detail::uniform_convolution(*conv, 2.0 / static_cast<double>(9 * widths[4] + 9));
    segmentation_head = register_module("segmentation_head", torch::nn::Sequential(conv));
  }

  Tensor forward(const Tensor& images) {  // (B, 3, H, W) in [-1, 1] -> logits (B, 1, H, W)
    const auto stages = encoder->pyramid(images);
    return segmentation_head->forward(decoder->forward(stages, {images.size(2), images.size(3)}));
  }
  [[nodiscard]] torch::nn::Module& tower() { return *encoder; }

  Encoder encoder;
  UnetDecoder decoder;
  torch::nn::Sequential segmentation_head{nullptr};
};
template <PyramidEncoder Encoder>
using Unet = Handle<UnetImpl<Encoder>>;

// On a tower that exists, a pretrained one say; the tower is shared.
template <PyramidEncoder Encoder>
[[nodiscard]] Unet<Encoder> unet_on(Encoder tower) {
  return std::make_shared<UnetImpl<Encoder>>(std::move(tower));
}

}  // namespace mgca

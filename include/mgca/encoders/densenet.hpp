// Densely connected network, the usual tower of chest radiograph classifiers: pooled features for the whole, the third block for its regions.
// Reference: Huang et al. 2017; weights and key names of torchvision (densenet121, 169, 201).
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/encoders/features.hpp>
#include <mgca/nn/batch_norm.hpp>
#include <mgca/nn/dense_block.hpp>
#include <mgca/nn/init.hpp>
#include <mgca/tensor/handle.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace mgca {

struct DenseNetConfig {
  std::vector<int64_t> layers = {6, 12, 24, 16};  // of each of the four blocks; these are DenseNet-121
  int64_t growth = 32;       // channels each layer adds
  int64_t width = 64;        // channels of the first convolution
  int64_t image_size = 224;  // pixels, square

  static void describe(auto& self, auto&& field) {
    field("layers", self.layers, "layers of each of the four blocks");
    field("growth", self.growth, "channels each layer adds");
    field("width", self.width, "channels of the first convolution");
    field("image_size", self.image_size, "side of the square input, pixels");
  }
  void validate() const {
    MGCA_CHECK(layers.size() == 4 && std::all_of(layers.begin(), layers.end(), [](auto n) { return n > 0; }),
               "densenet: expected layers of 4 blocks, each 1 or more, got ", layers.size(), " blocks");
    MGCA_CHECK(growth > 0 && width > 0 && image_size >= 32, "densenet: expected positive growth and width and image_size of 32 or more, got ", growth, ", ",
               width, " and ", image_size);
  }
};

struct DenseNetImpl : torch::nn::Module {
  using Config = DenseNetConfig;

  explicit DenseNetImpl(const Config& c) : config((c.validate(), c)) {
    auto& features = *register_module("features", std::make_shared<torch::nn::Module>());
    conv0 = features.register_module("conv0", detail::plain_conv({3, c.width, 7, 2}));
    norm0 = features.register_module("norm0", BatchNorm2d(c.width));
    auto channels = c.width;
    for (std::size_t i = 0; i < 4; ++i) {
      const DenseBlockConfig block{.in = channels, .growth = c.growth, .layers = c.layers[i]};
      const auto number = std::to_string(i + 1);
      blocks[i] = features.register_module("denseblock" + number, DenseBlock(block));
      widths_[i] = block.out();
      if (i < 3) transitions[i] = features.register_module("transition" + number, DenseTransition({.in = block.out()}));
      channels = block.out() / 2;
    }
    norm5 = features.register_module("norm5", BatchNorm2d(widths_[3]));
    nn::kaiming_convolutions(*this, nn::Fan::in);
  }

  Features forward(const Tensor& images) {  // (B, 3, S, S) in [-1, 1]
    MGCA_CHECK(images.dim() == 4 && images.size(2) == config.image_size && images.size(3) == config.image_size, "densenet: expected images of side ",
               config.image_size, ", got ", images.sizes(), "; resize them or set image_size");
    const auto c = pyramid(images);
    return {.global = c.c5.mean({2, 3}), .local = c.c4.flatten(2).transpose(1, 2)};
  }

  // The blocks of images of any size, each normalised, for detection and segmentation.
  Pyramid pyramid(const Tensor& images) {
    MGCA_CHECK(images.dim() == 4 && images.size(1) == 3, "densenet: expected images (B, 3, H, W), got ", images.sizes());
    MGCA_CHECK(images.is_floating_point(), "densenet: expected images in [-1, 1], got ", torch::toString(images.scalar_type()), "; see network_input()");
    Pyramid c{.c1 = torch::relu(norm0(conv0(images))), .c2 = {}, .c3 = {}, .c4 = {}, .c5 = {}};
    auto x = torch::max_pool2d(c.c1, 3, 2, 1);
    const std::array<Tensor*, 3> stages{&c.c2, &c.c3, &c.c4};
    for (std::size_t i = 0; i < 3; ++i) {
      *stages[i] = transitions[i]->normed(blocks[i](x));
      x = transitions[i]->halved(*stages[i]);
    }
    c.c5 = torch::relu(norm5(blocks[3](x)));
    return c;
  }

  [[nodiscard]] int64_t global_width() const { return widths_[3]; }
  [[nodiscard]] int64_t local_width() const { return widths_[2]; }
  [[nodiscard]] int64_t image_size() const { return config.image_size; }
  [[nodiscard]] std::array<int64_t, 5> pyramid_widths() const { return {config.width, widths_[0], widths_[1], widths_[2], widths_[3]}; }

  const Config config;
  torch::nn::Conv2d conv0{nullptr};
  BatchNorm2d norm0{nullptr}, norm5{nullptr};
  std::array<DenseBlock, 4> blocks{nullptr, nullptr, nullptr, nullptr};
  std::array<DenseTransition, 3> transitions{nullptr, nullptr, nullptr};

 private:
  std::array<int64_t, 4> widths_{};
};
using DenseNet = Handle<DenseNetImpl>;

}  // namespace mgca

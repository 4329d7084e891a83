// Residual network: pooled features for the whole radiograph, the third stage for its regions.
// Reference: He et al. 2016; weights and key names of torchvision. MGCA enlarges the input to 299 pixels first.
#pragma once

#include <mgca/core/enum.hpp>
#include <mgca/core/error.hpp>
#include <mgca/encoders/features.hpp>
#include <mgca/nn/batch_norm.hpp>
#include <mgca/nn/init.hpp>
#include <mgca/nn/residual_block.hpp>
#include <mgca/tensor/handle.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace mgca {

enum class ResNetDepth : uint8_t { resnet10, resnet18, resnet34, resnet50 };
constexpr auto names_of(ResNetDepth) { return std::to_array<std::string_view>({"resnet10", "resnet18", "resnet34", "resnet50"}); }

enum class ResNetStem : uint8_t {
  imagenet,  // 7x7 convolution of stride 2 and a pool: a quarter of the side is left
  small,     // 3x3 convolution of stride 2: half of the side is left, for images below about 128 pixels
};
constexpr auto names_of(ResNetStem) { return std::to_array<std::string_view>({"imagenet", "small"}); }

struct ResNetConfig {
  ResNetDepth depth = ResNetDepth::resnet50;
  ResNetStem stem = ResNetStem::imagenet;
  int64_t image_size = 224;  // pixels, square
  int64_t enlarged = 299;    // side the input is enlarged to inside; 0: not at all
  int64_t width = 64;        // channels of the first stage's 3x3 convolutions

  static void describe(auto& self, auto&& field) {
    field("depth", self.depth, "number of layers");
    field("stem", self.stem, "first convolution");
    field("image_size", self.image_size, "side of the square input, pixels");
    field("enlarged", self.enlarged, "side the input is enlarged to inside, pixels; 0: not at all");
    field("width", self.width, "channels of the first stage");
  }
  void validate() const {
    MGCA_CHECK(image_size >= 32 && width > 0, "resnet: expected image_size of 32 or more and positive width, got ", image_size, " and ", width);
    MGCA_CHECK(enlarged == 0 || enlarged >= image_size, "resnet: enlarged ", enlarged, " is below image_size ", image_size, "; 0 switches it off");
  }
};

struct ResNetImpl : torch::nn::Module {
  using Config = ResNetConfig;

  explicit ResNetImpl(const Config& c)
      : config((c.validate(), c)),
        conv1(register_module("conv1", detail::plain_conv({3, c.width, c.stem == ResNetStem::imagenet ? 7 : 3, 2}))),
        bn1(register_module("bn1", BatchNorm2d(c.width))) {
    static constexpr std::array<std::array<int64_t, 4>, 4> counts{{{1, 1, 1, 1}, {2, 2, 2, 2}, {3, 4, 6, 3}, {3, 4, 6, 3}}};
    ResidualBlockConfig block{.kind = c.depth == ResNetDepth::resnet50 ? ResidualKind::bottleneck : ResidualKind::basic, .in = c.width};
    for (std::size_t stage = 0; stage < 4; ++stage) {
      torch::nn::Sequential layer;
      block.width = c.width << stage;
      for (int64_t i = 0; i < counts[static_cast<std::size_t>(c.depth)][stage]; ++i) {
        block.stride = i == 0 && stage > 0 ? 2 : 1;
        layer->push_back(ResidualBlock(block));
        block.in = block.out();
      }
      layers[stage] = register_module("layer" + std::to_string(stage + 1), layer);
      widths_[stage] = block.in;
    }
    nn::kaiming_convolutions(*this);
  }

  Features forward(const Tensor& images) {  // (B, 3, S, S) in [-1, 1]
    return summary(pyramid(enlarge(images)));
  }
  [[nodiscard]] static Features summary(const Pyramid& c) {
    return {.global = c.c5.mean({2, 3}), .local = c.c4.flatten(2).transpose(1, 2)};
  }

  // The stages without enlarging the input, for detection and segmentation.
  Pyramid pyramid(const Tensor& images) {
    MGCA_CHECK(images.dim() == 4 && images.size(1) == 3, "resnet: expected images (B, 3, H, W), got ", images.sizes());
    const auto first = unpooled_stem(images);
    auto c = stages(pooled(first));
    c.c1 = first;
    return c;
  }
  [[nodiscard]] Pyramid stages(const Tensor& stem) {
    Pyramid c;
    c.c2 = layers[0]->forward(stem);
    c.c3 = layers[1]->forward(c.c2);
    c.c4 = layers[2]->forward(c.c3);
    c.c5 = layers[3]->forward(c.c4);
    return c;
  }

  [[nodiscard]] Tensor stem(const Tensor& images) { return pooled(unpooled_stem(images)); }
  [[nodiscard]] Tensor enlarge(const Tensor& images) const {
    MGCA_CHECK(images.dim() == 4 && images.size(2) == config.image_size && images.size(3) == config.image_size,
               "resnet: expected images of side ", config.image_size, ", got ", images.sizes(), "; resize them or set image_size");
    if (config.enlarged == 0 || config.enlarged == config.image_size) return images;
    return at::upsample_bilinear2d(images, {config.enlarged, config.enlarged}, /*align_corners=*/true);
  }

  [[nodiscard]] int64_t global_width() const { return widths_[3]; }
  [[nodiscard]] int64_t local_width() const { return widths_[2]; }
  [[nodiscard]] int64_t image_size() const { return config.image_size; }
  [[nodiscard]] std::array<int64_t, 5> pyramid_widths() const { return {config.width, widths_[0], widths_[1], widths_[2], widths_[3]}; }

  const Config config;
  torch::nn::Conv2d conv1;
  BatchNorm2d bn1;
  std::array<torch::nn::Sequential, 4> layers{nullptr, nullptr, nullptr, nullptr};

 private:
  [[nodiscard]] Tensor unpooled_stem(const Tensor& images) {
    MGCA_CHECK(images.is_floating_point(), "resnet: expected images in [-1, 1], got ", torch::toString(images.scalar_type()), "; see network_input()");
    return torch::relu(bn1(conv1(images)));
  }
  [[nodiscard]] Tensor pooled(const Tensor& x) const { return config.stem == ResNetStem::imagenet ? torch::max_pool2d(x, 3, 2, 1) : x; }

  std::array<int64_t, 4> widths_{};
};
using ResNet = Handle<ResNetImpl>;

}  // namespace mgca

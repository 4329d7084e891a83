// The two residual blocks of ResNet: `basic` (two 3x3 convolutions) and `bottleneck` (1x1, 3x3, 1x1, four times wider out).
// Reference: He et al. 2016; the stride sits in the 3x3 convolution, as in torchvision.
#pragma once

#include <mgca/nn/batch_norm.hpp>
#include <mgca/tensor/handle.hpp>

#include <cstdint>

namespace mgca {

enum class ResidualKind : uint8_t { basic, bottleneck };

struct ResidualBlockConfig {
  ResidualKind kind = ResidualKind::bottleneck;
  int64_t in = 64;
  int64_t width = 64;  // channels of the 3x3 convolution
  int64_t stride = 1;

  [[nodiscard]] int64_t out() const { return kind == ResidualKind::bottleneck ? 4 * width : width; }
};

namespace detail {
struct ConvShape {
  int64_t in, out, kernel, stride;
};
inline torch::nn::Conv2d plain_conv(const ConvShape& s) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(s.in, s.out, s.kernel).stride(s.stride).padding(s.kernel / 2).bias(false));
}
}  // namespace detail

struct ResidualBlockImpl : torch::nn::Module {
  using Config = ResidualBlockConfig;

  explicit ResidualBlockImpl(const Config& c) : deep_(c.kind == ResidualKind::bottleneck) {
    const auto add = [&](const char* name, torch::nn::Conv2d conv) { return register_module(name, std::move(conv)); };
    conv1 = add("conv1", detail::plain_conv(deep_ ? detail::ConvShape{c.in, c.width, 1, 1} : detail::ConvShape{c.in, c.width, 3, c.stride}));
    bn1 = register_module("bn1", BatchNorm2d(c.width));
    conv2 = add("conv2", detail::plain_conv({c.width, c.width, 3, deep_ ? c.stride : 1}));
    bn2 = register_module("bn2", BatchNorm2d(c.width));
    if (deep_) {
      conv3 = add("conv3", detail::plain_conv({c.width, c.out(), 1, 1}));
      bn3 = register_module("bn3", BatchNorm2d(c.out()));
    }
    if (c.stride != 1 || c.in != c.out()) {
      downsample = register_module("downsample", torch::nn::Sequential(detail::plain_conv({c.in, c.out(), 1, c.stride}),
                                                                       BatchNorm2d(c.out())));
    }
  }

  Tensor forward(const Tensor& x) {  // (B, in, H, W) -> (B, out, H/stride, W/stride)
    auto y = torch::relu(bn1(conv1(x)));
    y = bn2(conv2(y));
    if (deep_) y = bn3(conv3(torch::relu(y)));
    return torch::relu(y + (downsample.is_empty() ? x : downsample->forward(x)));
  }

  torch::nn::Conv2d conv1{nullptr}, conv2{nullptr}, conv3{nullptr};
  BatchNorm2d bn1{nullptr}, bn2{nullptr}, bn3{nullptr};
  torch::nn::Sequential downsample{nullptr};

 private:
  bool deep_;
};
using ResidualBlock = Handle<ResidualBlockImpl>;

}  // namespace mgca

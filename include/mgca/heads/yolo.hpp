// YOLOv3 on the last three stages of a residual network: at every cell of three grids it says where a box lies, how sure that is,
// and what is in it. Child names are the published detectors' key names.
// Reference: Redmon and Farhadi 2018; MGCA, section 4.3, which detects with it on frozen features.
#pragma once

#include <mgca/core/enum.hpp>
#include <mgca/core/error.hpp>
#include <mgca/encoders/features.hpp>
#include <mgca/nn/batch_norm.hpp>
#include <mgca/tensor/handle.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

// Where a box is to be found.
enum class YoloAssignment : uint8_t {
  every_grid,  // at all three, each at the anchor most like it: the published detectors
  one_grid,    // only where the anchor most like it of all nine is, as Redmon and Farhadi describe it: fewer boxes are found twice
};
constexpr auto names_of(YoloAssignment) { return std::to_array<std::string_view>({"every_grid", "one_grid"}); }

struct YoloConfig {
  int64_t image_size = 224;  // pixels, square
  int64_t c3 = 512;          // channels of the pyramid's stages
  int64_t c4 = 1024;
  int64_t c5 = 2048;
  int64_t width = 512;       // channels of the coarsest branch; the finer ones have half and a quarter
  int64_t classes = 1;
  YoloAssignment assignment = YoloAssignment::every_grid;
  // Width and height of three boxes for each grid, coarsest first, for images of 416 pixels.
  std::vector<double> anchors{116, 90, 156, 198, 373, 326, 30, 61, 62, 45, 59, 119, 10, 13, 16, 30, 33, 23};

  static void describe(auto& self, auto&& field) {
    field("image_size", self.image_size, "side of the square input, pixels");
    field("c3", self.c3, "channels of the encoder's second stage");
    field("c4", self.c4, "channels of its third stage");
    field("c5", self.c5, "channels of its fourth stage");
    field("width", self.width, "channels of the coarsest branch");
    field("classes", self.classes, "kinds of object");
    field("assignment", self.assignment, "which grids learn to find a box");
    field("anchors", self.anchors, "width and height of three boxes a grid, coarsest first, for images of 416 pixels");
  }
  void validate() const {
    MGCA_CHECK(image_size > 0 && c3 > 0 && c4 > 0 && c5 > 0 && classes > 0, "yolo: expected positive sizes, got image_size ", image_size, ", c3 ", c3,
               ", c4 ", c4, ", c5 ", c5, ", classes ", classes);
    MGCA_CHECK(width > 0 && width % 4 == 0, "yolo: expected a width that four divides, got ", width);
    MGCA_CHECK(anchors.size() == 18, "yolo: expected 9 anchors of 2 numbers, got ", anchors.size(), " numbers");
  }
  [[nodiscard]] int64_t channels() const { return kAnchors * (5 + classes); }

  static constexpr int64_t kAnchors = 3;  // of each grid
};

namespace heads {

// The anchors of a grid in its cells, (3, 2) width and height, made on the device. Rounded to single precision as the published ones.
[[nodiscard]] inline Tensor yolo_anchors(const YoloConfig& config, int64_t grid, const Tensor& output) {
  const double stride = static_cast<double>(config.image_size) / static_cast<double>(output.size(3));
  auto anchors = torch::empty({YoloConfig::kAnchors, 2}, output.options().dtype(torch::kFloat32));
  for (int64_t i = 0; i < anchors.numel(); ++i) {
    const double pixels = config.anchors.at(static_cast<std::size_t>(grid * anchors.numel() + i)) * static_cast<double>(config.image_size) / 416;
    anchors.view(-1)[i].fill_(pixels / stride);
  }
  return anchors.to(output.scalar_type());
}

// Raw outputs as numbers per box: (B, channels, H, W) -> (B, 3, H, W, 5 + classes): x, y, w, h, confidence, classes.
[[nodiscard]] inline Tensor yolo_boxes(const YoloConfig& config, const Tensor& output) {
  MGCA_CHECK(output.dim() == 4 && output.size(1) == config.channels(), "yolo: expected outputs (B, ", config.channels(), ", H, W), got ", output.sizes());
  return output.view({output.size(0), YoloConfig::kAnchors, 5 + config.classes, output.size(2), output.size(3)}).permute({0, 1, 3, 4, 2});
}

// Boxes of all grids, coarsest first: (B, N, 5 + classes): cx, cy, w, h in pixels of the input, confidence, class probabilities.
[[nodiscard]] inline Tensor yolo_decode(const YoloConfig& config, const std::vector<Tensor>& outputs) {
  std::vector<Tensor> grids;
  for (std::size_t g = 0; g < outputs.size(); ++g) {
    const auto raw = yolo_boxes(config, outputs[g]);
    const auto rows = torch::arange(raw.size(2), raw.options()).view({-1, 1}), columns = torch::arange(raw.size(3), raw.options()).view({1, -1});
    const auto anchors = yolo_anchors(config, static_cast<int64_t>(g), outputs[g]).view({1, YoloConfig::kAnchors, 1, 1, 2});
    const double across = static_cast<double>(config.image_size) / static_cast<double>(raw.size(3)), down = static_cast<double>(config.image_size) / static_cast<double>(raw.size(2));
    const auto x = (raw.select(-1, 0).sigmoid() + columns) * across, y = (raw.select(-1, 1).sigmoid() + rows) * down;
    const auto size = raw.slice(-1, 2, 4).exp() * anchors;
    const auto all = torch::cat({torch::stack({x, y, size.select(-1, 0) * across, size.select(-1, 1) * down}, -1), raw.slice(-1, 4).sigmoid()}, -1);
    grids.push_back(all.reshape({all.size(0), -1, all.size(4)}));
  }
  return torch::cat(grids, 1);
}

}  // namespace heads

// Convolution without bias, batch normalisation, leaky rectifier.
struct ConvNormLeakyConfig {
  int64_t in = 1;
  int64_t out = 1;
  int64_t kernel = 1;
};
struct ConvNormLeakyImpl : torch::nn::Module {
  using Config = ConvNormLeakyConfig;
  explicit ConvNormLeakyImpl(const Config& c)
      : conv(register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(c.in, c.out, c.kernel).padding(c.kernel / 2).bias(false)))),
        bn(register_module("bn", BatchNorm2d(c.out))) {}
  Tensor forward(const Tensor& x) { return torch::leaky_relu(bn(conv(x)), 0.1); }

  torch::nn::Conv2d conv;
  BatchNorm2d bn;
};
using ConvNormLeaky = Handle<ConvNormLeakyImpl>;

// One grid's branch: five convolutions to the features the next grid builds on, two more to the outputs.
struct YoloBranchConfig {
  int64_t in = 1;
  int64_t width = 2;
  int64_t out = 18;
};
struct YoloBranchImpl : torch::nn::Module {
  using Config = YoloBranchConfig;
  explicit YoloBranchImpl(const Config& c) : conv_out(torch::nn::Conv2dOptions(2 * c.width, c.out, 1)) {
    for (int64_t i = 0; i < 6; ++i) {
      const int64_t in = i == 0 ? c.in : i % 2 == 0 ? 2 * c.width : c.width;
      layers.push_back(register_module(std::to_string(i), ConvNormLeaky({.in = in, .out = i % 2 == 0 ? c.width : 2 * c.width, .kernel = i % 2 == 0 ? 1 : 3})));
    }
    register_module("conv_out", conv_out);
  }
  struct Output {
    Tensor features;  // (B, width, H, W)
    Tensor boxes;     // (B, out, H, W)
  };
  Output forward(Tensor x) {
    for (std::size_t i = 0; i < 5; ++i) x = layers[i](x);
    return {.features = x, .boxes = conv_out(layers[5](x))};
  }

  std::vector<ConvNormLeaky> layers;
  torch::nn::Conv2d conv_out;
};
using YoloBranch = Handle<YoloBranchImpl>;

struct YoloImpl : torch::nn::Module {
  using Config = YoloConfig;

  explicit YoloImpl(const Config& c)
      : config((c.validate(), c)), embedding0(register_module("embedding0", YoloBranch({.in = c.c5, .width = c.width, .out = c.channels()}))),
        embedding1_cbl(register_module("embedding1_cbl", ConvNormLeaky({.in = c.width, .out = c.width / 2}))),
        embedding1(register_module("embedding1", YoloBranch({.in = c.width / 2 + c.c4, .width = c.width / 2, .out = c.channels()}))),
        embedding2_cbl(register_module("embedding2_cbl", ConvNormLeaky({.in = c.width / 2, .out = c.width / 4}))),
        embedding2(register_module("embedding2", YoloBranch({.in = c.width / 4 + c.c3, .width = c.width / 4, .out = c.channels()}))) {}

  // Raw outputs of the three grids, coarsest first: (B, channels, H, W) with the sides of c5, c4 and c3.
  std::vector<Tensor> forward(const Pyramid& pyramid) {
    MGCA_CHECK(pyramid.c5.size(1) == config.c5 && pyramid.c4.size(1) == config.c4 && pyramid.c3.size(1) == config.c3, "yolo: expected stages of ", config.c3,
               ", ", config.c4, " and ", config.c5, " channels, got ", pyramid.c3.size(1), ", ", pyramid.c4.size(1), " and ", pyramid.c5.size(1),
               "; take them from the encoder's pyramid_widths()");
    const auto coarse = embedding0(pyramid.c5);
    const auto middle = embedding1(beside(embedding1_cbl(coarse.features), pyramid.c4));
    const auto fine = embedding2(beside(embedding2_cbl(middle.features), pyramid.c3));
    return {coarse.boxes, middle.boxes, fine.boxes};
  }

  const Config config;
  YoloBranch embedding0;
  ConvNormLeaky embedding1_cbl;
  YoloBranch embedding1;
  ConvNormLeaky embedding2_cbl;
  YoloBranch embedding2;

 private:
  static Tensor beside(const Tensor& coarse, const Tensor& stage) {
    return torch::cat({at::upsample_nearest2d(coarse, {stage.size(2), stage.size(3)}), stage}, 1);
  }
};
using Yolo = Handle<YoloImpl>;

}  // namespace mgca

// A convolutional tower with a YOLOv3 on it, under the published detectors' key names without the `model.` before them.
#pragma once

#include <mgca/encoders/concepts.hpp>
#include <mgca/encoders/resnet.hpp>
#include <mgca/heads/yolo.hpp>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace mgca {

struct DetectorConfig {
  ResNetConfig image;
  YoloConfig yolo;

  static void describe(auto& self, auto&& field) {
    field("image", self.image, "the tower");
    field("yolo", self.yolo, "the head");
  }
};

struct DetectorImpl : torch::nn::Module {
  using Config = DetectorConfig;

  explicit DetectorImpl(const Config& c) : DetectorImpl(ResNet(c.image), c.yolo) {}
  // On a tower that exists, which is shared; the head's channels are taken from it.
  template <PyramidEncoder Tower>
  DetectorImpl(Tower image, YoloConfig head)
      : pyramid([image](const Tensor& images) mutable { return image->pyramid(images); }), tower(image.ptr()), yolo(fitted(*image, std::move(head))) {
    const auto backbone = std::make_shared<torch::nn::Module>("Backbone");
    backbone->register_module("model", tower);
    register_module("backbone", backbone);
    for (const auto& child : yolo->named_children()) register_module(child.key(), child.value());
  }

  std::vector<Tensor> forward(const Tensor& images) {  // (B, 3, S, S) in [-1, 1] -> raw outputs of three grids
    return yolo(pyramid(images));
  }
  // Boxes of a batch; see heads::yolo_decode.
  [[nodiscard]] Tensor boxes(const Tensor& images) { return heads::yolo_decode(yolo->config, forward(images)); }

  std::function<Pyramid(const Tensor&)> pyramid;  // of the tower
  std::shared_ptr<torch::nn::Module> tower;
  Yolo yolo;

 private:
  static YoloConfig fitted(const auto& tower, YoloConfig head) {
    const auto widths = tower.pyramid_widths();
    head.image_size = tower.config.image_size;
    head.c3 = widths[2];
    head.c4 = widths[3];
    head.c5 = widths[4];
    return head;
  }
};
using Detector = Handle<DetectorImpl>;

}  // namespace mgca

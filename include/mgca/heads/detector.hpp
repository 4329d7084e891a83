// A residual network with a YOLOv3 on it, under the published detectors' key names without the `model.` before them.
#pragma once

#include <mgca/core/enum.hpp>
#include <mgca/encoders/resnet.hpp>
#include <mgca/heads/yolo.hpp>

#include <memory>
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

// What training does to the tower.
enum class TowerTraining : uint8_t {
  frozen,             // no gradient, running statistics used and kept
  frozen_batch_norm,  // no gradient, but batch statistics are used and running ones change: as published
  trained,
};
constexpr auto names_of(TowerTraining) { return std::to_array<std::string_view>({"frozen", "frozen_batch_norm", "trained"}); }

struct DetectorImpl : torch::nn::Module {
  using Config = DetectorConfig;

  explicit DetectorImpl(const Config& c) : DetectorImpl(ResNet(c.image), c.yolo) {}
  // The head's channels are taken from the tower.
  DetectorImpl(ResNet image, YoloConfig head) : tower(std::move(image)), yolo(fitted(*tower, std::move(head))) {
    const auto backbone = std::make_shared<torch::nn::Module>("Backbone");
    backbone->register_module("model", tower.ptr());
    register_module("backbone", backbone);
    for (const auto& child : yolo->named_children()) register_module(child.key(), child.value());
  }

  std::vector<Tensor> forward(const Tensor& images) {  // (B, 3, S, S) in [-1, 1] -> raw outputs of three grids
    return yolo(pyramid(images));
  }
  // Boxes of a batch; see heads::yolo_decode.
  [[nodiscard]] Tensor boxes(const Tensor& images) { return heads::yolo_decode(yolo->config, forward(images)); }

  void train_tower(TowerTraining how) {
    training_ = how;
    for (auto& parameter : tower->parameters()) parameter.set_requires_grad(how == TowerTraining::trained);
    train(is_training());
  }
  void train(bool on = true) override {
    torch::nn::Module::train(on);
    tower->train(on && training_ != TowerTraining::frozen);
  }

  ResNet tower;
  Yolo yolo;

 private:
  Pyramid pyramid(const Tensor& images) {
    if (training_ == TowerTraining::trained) return tower->pyramid(images);
    const torch::NoGradGuard no_grad;
    return tower->pyramid(images);
  }
  static YoloConfig fitted(const ResNetImpl& tower, YoloConfig head) {
    const auto widths = tower.pyramid_widths();
    head.image_size = tower.config.image_size;
    head.c3 = widths[2];
    head.c4 = widths[3];
    head.c5 = widths[4];
    return head;
  }

  TowerTraining training_ = TowerTraining::trained;
};
using Detector = Handle<DetectorImpl>;

}  // namespace mgca

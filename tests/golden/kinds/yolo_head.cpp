// The detector: stages, raw outputs, the loss by terms, gradients of the head, running statistics after a training forward.
#include "../case.hpp"

#include <mgca/heads/detector.hpp>
#include <mgca/heads/yolo_loss.hpp>

namespace mgca::golden {

namespace {

// The reference's anchors have the pixels they have at 224 whatever the picture's side.
YoloConfig published_anchors(YoloConfig config) {
  for (auto& side : config.anchors) side *= 224.0 / static_cast<double>(config.image_size);
  return config;
}

Answer yolo_head(const Case& one) {
  const auto& config = one.config;
  const bool training = config.value("mode", "eval") == "train";
  Detector detector({.image = {.image_size = config.at("image_size"), .enlarged = 0}});
  load_weights(*detector, "", one);
  detector->train(training);
  const auto images = ((one.input("imgs_u8").to(torch::kFloat32) / 255 - 0.5) / 0.5).to(one.dtype);
  Answer answer;
  auto& out = answer.tensors;
  Pyramid pyramid;
  {
    const torch::NoGradGuard frozen;
    pyramid = detector->pyramid(images);
  }
  out["feature.layer2"] = pyramid.c3;
  out["feature.layer3"] = pyramid.c4;
  out["feature.layer4"] = pyramid.c5;
  const auto outputs = detector->yolo(pyramid);
  const auto loss = heads::yolo_loss(published_anchors(detector->yolo->config), outputs, one.input("labels"), YoloArithmetic::published);
  for (std::size_t g = 0; g < outputs.size(); ++g) {
    const auto at = "loss." + std::to_string(g) + ".";
    const auto& terms = loss.grids[g];
    out["out." + std::to_string(g)] = outputs[g];
    for (const auto& [name, value] : Tensors{{"x", terms.x}, {"y", terms.y}, {"w", terms.w}, {"h", terms.h}, {"conf", terms.confidence}, {"cls", terms.classes}, {"total", terms.total}}) {
      out[at + name] = value.detach();
    }
  }
  out["loss"] = loss.total.detach();
  loss.total.backward();
  for (const auto& item : detector->named_parameters()) {
    if (item.value().grad().defined()) out["grad." + item.key()] = item.value().grad();
  }
  if (training) {
    for (const auto& item : detector->named_buffers()) {
      if (item.value().is_floating_point()) out["after_forward." + item.key()] = item.value();
    }
  }
  return answer;
}

const Kind yolo_head_kind("yolo_head", yolo_head);

}  // namespace

}  // namespace mgca::golden

// Targets, loss and gradients for given raw outputs; decoded boxes and what suppression leaves of them.
#include "../case.hpp"
#include "../detections.hpp"

#include <mgca/heads/yolo_loss.hpp>

namespace mgca::golden {

namespace {

YoloConfig config_of(const Case& one) {
  YoloConfig config{.image_size = one.config.at("image_size")};
  config.anchors.clear();
  for (const auto& grid : one.config.at("anchors_416")) {
    for (const auto& anchor : grid) config.anchors.insert(config.anchors.end(), {anchor.at(0), anchor.at(1)});
  }
  return config;
}

Answer yolo_loss(const Case& one) {
  auto config = config_of(one);
  Answer answer;
  auto& out = answer.tensors;
  std::vector<Tensor> outputs;
  while (one.batch.contains("logits." + std::to_string(outputs.size()))) {
    outputs.push_back(one.input("logits." + std::to_string(outputs.size())).to(one.dtype).detach().requires_grad_());
  }
  if (!outputs.empty()) config.classes = outputs.front().size(1) / YoloConfig::kAnchors - 5;
  const auto labels = one.input("labels");
  const auto loss = heads::yolo_loss(config, outputs, labels, YoloArithmetic::published);
  loss.total.backward();
  for (std::size_t g = 0; g < outputs.size(); ++g) {
    const auto number = std::to_string(g);
    const auto& terms = loss.grids[g];
    for (const auto& [name, value] : Tensors{{"x", terms.x}, {"y", terms.y}, {"w", terms.w}, {"h", terms.h}, {"conf", terms.confidence}, {"cls", terms.classes}, {"total", terms.total}}) {
      out["loss." + number + "." + name] = value.detach();
    }
    const auto t = heads::yolo_targets(config, static_cast<int64_t>(g), outputs[g].detach(), labels);
    for (const auto& [name, value] : Tensors{{"mask", t.mask}, {"noobj", t.empty}, {"tx", t.x}, {"ty", t.y}, {"tw", t.w}, {"th", t.h}, {"tconf", t.mask}, {"tcls", t.classes}}) {
      out["target." + number + "." + name] = value;
    }
    out["grad.logits." + number] = outputs[g].grad();
  }
  out["loss"] = loss.total.detach();
  const torch::NoGradGuard no_grad;
  out["decoded"] = heads::yolo_decode(config, outputs);
  for (int64_t b = 0; b < labels.size(0); ++b) {
    out["nms." + std::to_string(b)] = suppressed(out["decoded"][b], one.config.at("conf_thres"), one.config.at("nms_thres"));
  }
  return answer;
}

const Kind yolo_loss_kind("yolo_loss", yolo_loss);

}  // namespace

}  // namespace mgca::golden

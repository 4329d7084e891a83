// The loss of masks and the Dice metric of their images, for any number of logits.N and target.N (B, H, W).
#include "../case.hpp"

#include <mgca/metrics/dice.hpp>
#include <mgca/ops/mask_loss.hpp>
#include <mgca/tensor/bridge.hpp>

namespace mgca::golden {

namespace {

// The mean over images of Dice at the threshold, both for probabilities and for targets.
double mean_dice(const Tensor& logits, const Tensor& target, double threshold) {
  const auto marked = [&](const Tensor& x) { return (x > threshold).to(torch::kUInt8).contiguous(); };
  const auto p = marked(logits.sigmoid()), t = marked(target);
  double sum = 0;
  for (int64_t b = 0; b < p.size(0); ++b) {
    const auto plane = [&](const Tensor& all) {
      return Plane<const uint8_t>{.pixels = span_of<uint8_t>(all[b]), .height = all.size(1), .width = all.size(2)};
    };
    sum += metrics::mask_score({.predicted = plane(p), .truth = plane(t)}).dice;
  }
  return sum / static_cast<double>(p.size(0));
}

Answer segmentation_loss(const Case& one) {
  const ops::MaskLossOptions options{.focal_weight = one.config.at("alpha"), .gamma = one.config.at("gamma")};
  Answer out;
  const auto scalar = [](double value) { return torch::tensor({value}, torch::kFloat64); };
  for (int64_t i = 0; one.batch.contains("logits." + std::to_string(i)); ++i) {
    const auto number = "." + std::to_string(i);
    const auto logits = one.input("logits" + number).to(one.dtype).requires_grad_(), target = one.input("target" + number).to(one.dtype);
    const auto loss = ops::mask_loss(logits, target, options);
    loss.total.backward();
    out.tensors["focal" + number] = loss.focal;
    out.tensors["dice_coefficient" + number] = loss.dice;
    out.tensors["loss" + number] = loss.total;
    out.tensors["grad" + number] = logits.grad();
    out.tensors["dice_metric" + number] = scalar(mean_dice(logits.detach(), target, one.config.at("threshold")));
  }
  return out;
}

const Kind segmentation_loss_kind("segmentation_loss", segmentation_loss);

}  // namespace

}  // namespace mgca::golden

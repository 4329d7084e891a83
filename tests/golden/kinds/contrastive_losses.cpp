// The losses of CLIP and of SimCLR (NT-Xent) on given embeddings that are not yet of length one, with their gradients.
#include "../case.hpp"

#include <mgca/align/clip.hpp>
#include <mgca/ops/nt_xent.hpp>

namespace mgca::golden {

namespace {

void clip_part(const Case& one, const std::string& set, double max_scale, Tensors& out) {
  const auto input = [&](const std::string& name) { return one.input(set + name).to(one.dtype).clone().requires_grad_(); };
  const auto image = input("image"), text = input("text"), log_scale = input("log_scale");
  const auto found = align::clip(ops::unit(image), ops::unit(text), log_scale, max_scale);
  found.value().backward();
  const auto B = image.size(0);
  out[set + "scale"] = found.scale;
  out[set + "logits"] = B == 1 ? found.contrast.logits.view(1) : found.contrast.logits;
  out[set + "loss_i2t"] = found.contrast.image_to_text;
  out[set + "loss_t2i"] = found.contrast.text_to_image;
  out[set + "loss"] = found.value();
  out[set + "grad.image"] = image.grad();
  out[set + "grad.text"] = text.grad();
  out[set + "grad.log_scale"] = log_scale.grad();
}

void simclr_part(const Case& one, const std::string& set, double temperature, Tensors& out) {
  const auto input = [&](const std::string& name) { return one.input(set + name).to(one.dtype).clone().requires_grad_(); };
  const auto first = input("z1"), second = input("z2");
  const auto found = ops::nt_xent(ops::unit(first), ops::unit(second), temperature);
  found.value().backward();
  out[set + "similarities"] = found.logits;
  out[set + "loss_rows"] = found.row_loss;
  out[set + "loss"] = found.value();
  out[set + "grad.z1"] = first.grad();
  out[set + "grad.z2"] = second.grad();
}

Answer contrastive_losses(const Case& one) {
  Answer out;
  const auto sets_of = [&](const std::string& method, const std::string& option, const auto& part) {
    std::size_t i = 0;
    for (const auto& set : one.config.value(method, nlohmann::json::array())) part(one, method + "." + std::to_string(i++) + ".", set.at(option), out.tensors);
  };
  sets_of("clip", "max_scale", clip_part);
  sets_of("simclr", "temperature", simclr_part);
  return out;
}

const Kind contrastive_losses_kind("contrastive_losses", contrastive_losses);

}  // namespace

}  // namespace mgca::golden

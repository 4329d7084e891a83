// The losses of GLoRIA and of ConVIRT on given embeddings that are not yet of length one, with their gradients.
#include "../case.hpp"

#include <mgca/align/convirt.hpp>
#include <mgca/align/gloria.hpp>

namespace mgca::golden {

namespace {

// Leaves of the graph: every loss begins with its own.
struct BaselineInputs {
  explicit BaselineInputs(const Case& one) {
    const auto input = [&](const std::string& name) { return one.input(name).to(one.dtype).clone().requires_grad_(); };
    image.global = input("image_global");  // (B, D)
    text.global = input("text_global");
    image_local = input("image_local");    // (B, D, P), as convolutions give them
    text_local = input("text_local");      // (B, D, W)
    image.local = image_local.transpose(1, 2);
    text.local = text_local.transpose(1, 2);
    text.valid = torch::arange(text_local.size(2), torch::kLong).unsqueeze(0).lt(one.input("word_counts").unsqueeze(1));
  }
  Embeddings image, text;
  Tensor image_local, text_local;
};

void gloria_part(const Case& one, Tensors& out) {
  const auto& json = one.config.at("gloria");
  const GloriaObjective objective{.local = {.attention_scale = json.at("temp1"), .word_scale = json.at("temp2"), .scale = json.at("temp3")}};
  const BaselineInputs in(one);
  const auto levels = align::gloria(in.image, in.text, objective);
  const auto total = levels.whole->sum() + levels.parts->sum();
  total.backward();
  out["gloria.similarities"] = levels.parts->logits;
  out["gloria.local_i2t"] = levels.parts->image_to_text;
  out["gloria.local_t2i"] = levels.parts->text_to_image;
  out["gloria.global_scores"] = levels.whole->logits;
  out["gloria.global_i2t"] = levels.whole->image_to_text;
  out["gloria.global_t2i"] = levels.whole->text_to_image;
  out["gloria.total"] = total;
  out["gloria.grad.image_local"] = in.image_local.grad();
  out["gloria.grad.text_local"] = in.text_local.grad();
  out["gloria.grad.image_global"] = in.image.global.grad();
  out["gloria.grad.text_global"] = in.text.global.grad();
}

void convirt_part(const Case& one, const std::string& name, const ConVirtObjective& objective, Tensors& out) {
  const BaselineInputs in(one);
  const auto losses = align::convirt(ops::unit(in.image.global), ops::unit(in.text.global), objective);
  losses.total().backward();
  out[name + "i2t"] = losses.terms[0].value;
  out[name + "t2i"] = losses.terms[1].value;
  out[name + "total"] = losses.total();
  out[name + "grad.image_global"] = in.image.global.grad();
  out[name + "grad.text_global"] = in.text.global.grad();
}

Answer baseline_losses(const Case& one) {
  Answer out;
  if (one.config.contains("gloria")) gloria_part(one, out.tensors);
  auto paper = convirt_objective(ConVirtForm::paper), repository = convirt_objective(ConVirtForm::repository);
  if (one.config.contains("convirt_paper")) {
    const auto& json = one.config.at("convirt_paper");
    paper.temperature = json.at("temperature");
    paper.image_to_text = json.at("lambda");
    paper.text_to_image = 1 - paper.image_to_text;
    convirt_part(one, "convirt.paper.", paper, out.tensors);
  }
  if (one.config.contains("convirt_repository")) {
    repository.temperature = one.config.at("convirt_repository").at("temperature");
    convirt_part(one, "convirt.repository.", repository, out.tensors);
  }
  return out;
}

const Kind baseline_losses_kind("baseline_losses", baseline_losses);

}  // namespace

}  // namespace mgca::golden

// MoCo's training steps at a constant rate: what each saw, the queue, and how far tower and slow copy moved.
#include "../model.hpp"

#include <mgca/align/moco.hpp>
#include <mgca/encoders/vit.hpp>
#include <mgca/train/optimizer.hpp>

#include <vector>

namespace mgca::golden {

namespace {

Answer moco_steps(const Case& one) {
  const auto& image = one.config.at("image");
  const auto& settings = one.config.at("model");
  const auto& optim = one.config.at("optim");
  if (!is_vit(image.at("encoder"))) fail(ErrorKind::data, one.folder.string(), ": moco_steps: expected a ViT as image encoder");
  Moco<Vit> model({.image = {.image_size = image.at("size"), .patch_size = image.at("patch"), .width = image.at("width"), .depth = image.at("depth"),
                             .heads = image.at("heads"), .mlp_ratio = image.at("mlp_ratio")},
                   .embedding = settings.at("emb_dim"), .temperature = settings.at("temperature"), .momentum = settings.at("momentum"),
                   .queue = settings.at("queue")});
  load_weights(*model->img_encoder_q, "encoder_q.", one);
  to_precision(*model, one.dtype);
  {
    const torch::NoGradGuard no_grad;
    model->queue.keys.copy_(one.input("queue"));
  }
  AdamW optimizer(*model, {.weight_decay = optim.at("weight_decay"), .beta1 = optim.at("beta1"), .beta2 = optim.at("beta2"), .epsilon = optim.at("eps")});
  std::map<std::string, Tensor> start;
  for (const auto& item : model->img_encoder_q->named_parameters()) start[item.key()] = item.value().detach().clone();

  Answer answer;
  auto& out = answer.tensors;
  std::vector<Tensor> losses, accuracies, pointers;
  const auto query = one.input("query_u8"), key = one.input("key_u8");  // (S, B, 3, h, w)
  for (int64_t s = 0; s < query.size(0); ++s) {
    const auto input = [&](const Tensor& pictures) { return network_input(pictures[s], torch::kCPU).to(one.dtype); };
    optimizer.zero_grad();
    const auto logits = model->logits({.images = input(query), .second_images = input(key)});
    const auto found = MocoImpl<Vit>::losses_of(logits);
    found.total().backward();
    model->after_backward(0);
    optimizer.step(optim.at("lr"));
    out["step" + std::to_string(s) + ".logits"] = logits.detach();
    losses.push_back(found.total().detach().to(torch::kFloat64));
    accuracies.push_back(100 * found.metrics.front().value.to(torch::kFloat64));
    pointers.push_back(model->queue.next.clone());
  }
  out["step.loss"] = torch::stack(losses);
  out["step.acc1"] = torch::stack(accuracies);
  out["step.queue_ptr"] = torch::cat(pointers);
  out["queue"] = model->queue.keys;
  out["queue_ptr"] = model->queue.next;
  for (const auto& [name, tower] : {std::pair("encoder_q.", model->img_encoder_q), {"encoder_k.", model->img_encoder_k}}) {
    for (const auto& item : tower->named_parameters()) {
      out[std::string("delta.") + name + item.key()] = item.value().detach() - start[item.key()];
      out[std::string("final.") + name + item.key()] = item.value().detach();
    }
  }
  return answer;
}

const Kind moco_steps_kind("moco_steps", moco_steps);

}  // namespace

}  // namespace mgca::golden

// SETR-PUP on a small ViT: tokens, grid, decoder, logits, the loss of its mask and gradients of what is trained.
#include "../case.hpp"

#include <mgca/encoders/vit.hpp>
#include <mgca/heads/setr.hpp>
#include <mgca/ops/mask_loss.hpp>

namespace mgca::golden {

namespace {

Answer setr(const Case& one) {
  const auto& c = one.config;
  Setr<Vit> net({.encoder = {.image_size = c.at("image_size"),
                             .patch_size = c.at("patch"),
                             .width = c.at("width"),
                             .depth = c.at("depth"),
                             .heads = c.at("heads")},
                 .features = c.at("decode_features").get<std::vector<int64_t>>()});
  load_weights(*net, "", one);
  net->train(c.at("mode") == "train");
  const auto images = network_input(one.input("imgs_u8"), torch::kCPU).to(one.dtype);
  Answer out;
  const auto tokens = net->encoder_2d.bert_model->tokens(images, AttentionWeights::none).tokens;
  const auto grid = net->grid(tokens.slice(1, 1));
  const auto steps = net->decoder_2d->steps(grid);
  const auto logits = net->decoder_2d->final_out(steps.back());
  const auto loss = ops::mask_loss(logits.squeeze(1), one.input("mask").to(one.dtype)).total;
  loss.backward();
  out.tensors["vit.tokens"] = tokens;
  out.tensors["encoder.map"] = grid;
  for (std::size_t i = 0; i < steps.size(); ++i) out.tensors["decoder." + std::to_string(i + 1)] = steps[i];
  out.tensors["logits"] = logits;
  out.tensors["loss"] = loss;
  for (const auto& item : net->named_parameters()) out.tensors["grad." + item.key()] = item.value().grad();
  for (const auto& item : net->named_buffers()) out.tensors["after_forward." + item.key()] = item.value();
  return out;
}

const Kind setr_kind("setr", setr);

}  // namespace

}  // namespace mgca::golden

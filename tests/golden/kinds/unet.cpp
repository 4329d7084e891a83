// A U-Net on a ResNet-50: stages, decoder, logits, the loss of its mask and gradients of the decoder.
#include "../case.hpp"

#include <mgca/encoders/resnet.hpp>
#include <mgca/heads/unet.hpp>
#include <mgca/ops/mask_loss.hpp>

namespace mgca::golden {

namespace {

Answer unet(const Case& one) {
  Unet<ResNet> net({.encoder = {.image_size = one.config.at("image_size")}});
  load_weights(*net, "", one);
  net->train(one.config.at("mode") == "train");
  const auto images = network_input(one.input("imgs_u8"), torch::kCPU).to(one.dtype);
  const auto c = net->encoder->pyramid(images);
  const auto steps = net->decoder->steps(c, {images.size(2), images.size(3)});
  const auto logits = net->segmentation_head->forward(steps.back());
  const auto loss = ops::mask_loss(logits.squeeze(1), one.input("mask").to(one.dtype)).total;
  loss.backward();
  Answer out;
  const std::vector<Tensor> stages{c.c1, c.c2, c.c3, c.c4, c.c5};
  for (std::size_t i = 0; i < 5; ++i) {
    out.tensors["encoder." + std::to_string(i + 1)] = stages[i];
    out.tensors["decoder." + std::to_string(i)] = steps[i];
  }
  out.tensors["logits"] = logits;
  out.tensors["loss"] = loss;
  for (const auto& item : net->named_parameters()) out.tensors["grad." + item.key()] = item.value().grad();
  for (const auto& item : net->named_buffers()) out.tensors["after_forward." + item.key()] = item.value();
  return out;
}

const Kind unet_kind("unet", unet);

}  // namespace

}  // namespace mgca::golden

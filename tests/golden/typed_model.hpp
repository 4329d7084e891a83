// The model of an MGCA case by its type, for those who look inside.
#pragma once

#include "model.hpp"

#include <mgca/align/mgca.hpp>
#include <mgca/encoders/resnet.hpp>
#include <mgca/encoders/vit.hpp>

#include <type_traits>

namespace mgca::golden {

[[nodiscard]] VitConfig vit_config(const Case& one);
[[nodiscard]] ResNetConfig resnet_config(const Case& one);

// Everything but the image tower.
template <class Config>
void read_model_config(Config& c, const Case& one) {
  const auto& model = one.config.at("model");
  c.profile = profile_of(one);
  c.text = text_config(one.config.at("text"), c.profile);
  c.text.cross_attention = true;  // the files' unused blocks are there
  c.head_hidden = model.at("head_hidden");
  c.embedding = model.at("emb_dim");
  c.prototypes = model.at("num_prototypes");
  c.instance_temperature = model.at("softmax_temperature");
  c.token_temperature = model.at("local_temperature");
  c.prototype_temperature = model.at("proto_temperature");
  c.instance_weight = model.at("lambda_1");
  c.token_weight = model.at("lambda_2");
  c.prototype_weight = model.at("lambda_3");
  c.skip_unweighted = false;  // as the reference
  c.patch_branch = model.at("bidirectional");
  c.learned_attention = model.at("use_local_atten").template get<bool>();
  c.attention_heads = model.at("num_heads");
  c.frozen_prototype_epochs = model.at("freeze_prototypes_epochs");
  c.sinkhorn = {.iterations = model.at("sinkhorn_iterations"), .epsilon = model.at("epsilon")};
}

// With its weights, in the case's precision and mode (training where none is given).
template <class Image>
[[nodiscard]] Mgca<Image, Bert> typed_model(const Case& one) {
  typename Mgca<Image, Bert>::Config config;
  if constexpr (std::is_same_v<Image, Vit>) config.image = vit_config(one);
  else config.image = resnet_config(one);
  read_model_config(config, one);
  Mgca<Image, Bert> model(config);
  load_weights(*model, "", one);
  model->train(one.config.value("mode", "train") == "train");
  return model;
}

}  // namespace mgca::golden

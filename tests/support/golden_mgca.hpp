// The model of an MGCA golden case, with its weights.
#pragma once

#include "golden_tokens.hpp"

#include <mgca/align/mgca.hpp>
#include <mgca/core/enum.hpp>
#include <mgca/encoders/bert.hpp>
#include <mgca/encoders/resnet.hpp>
#include <mgca/encoders/vit.hpp>

#include <memory>

namespace mgca::test {

template <class Config>
Config golden_config(const nlohmann::json& json) {
  const auto& image = json["image"];
  const auto& text = json["text"];
  const auto& model = json["model"];
  Config c;
  c.image.image_size = image["size"];
  if constexpr (requires { c.image.patch_size; }) {
    c.image.patch_size = image["patch"];
    c.image.width = image["width"];
    c.image.depth = image["depth"];
    c.image.heads = image["heads"];
    c.image.mlp_ratio = image["mlp_ratio"];
  }
  c.text = {.vocabulary = text["vocab_size"], .length = text["length"], .width = text["width"], .depth = text["depth"],
            .heads = text["heads"], .intermediate = text["intermediate"], .dropout = text["dropout"], .max_positions = text["max_positions"]};
  c.head_hidden = model["head_hidden"];
  c.embedding = model["emb_dim"];
  c.prototypes = model["num_prototypes"];
  c.instance_temperature = model["softmax_temperature"];
  c.token_temperature = model["local_temperature"];
  c.prototype_temperature = model["proto_temperature"];
  c.instance_weight = model["lambda_1"];
  c.token_weight = model["lambda_2"];
  c.prototype_weight = model["lambda_3"];
  c.patch_branch = model["bidirectional"];
  c.learned_attention = model["use_local_atten"].get<bool>();
  c.attention_heads = model["num_heads"];
  c.frozen_prototype_epochs = model["freeze_prototypes_epochs"];
  c.sinkhorn = {.iterations = model["sinkhorn_iterations"], .epsilon = model["epsilon"]};
  c.profile = json.contains("profile") ? parse_enum<Profile>(json["profile"].get<std::string>()) : Profile::official;
  return c;
}

// Floating-point parameters and buffers to double precision; Module::to would convert integer buffers as well.
inline void to_double(torch::nn::Module& module) {
  for (auto& [name, value] : state_dict(module)) {
    if (value.is_floating_point()) value.set_data(value.to(torch::kFloat64));
  }
}

template <class Image>
Mgca<Image, Bert> golden_model(const Golden& golden) {
  Mgca<Image, Bert> model(golden_config<typename Mgca<Image, Bert>::Config>(golden.config));
  fill_by_formula(*model, "", golden.config["weights"]["seed"]);
  const std::string mode = golden.config.value("mode", "train");
  model->train(mode == "train");
  return model;
}

}  // namespace mgca::test

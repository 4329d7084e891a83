// Which model a set of weights belongs to, told from its tensors' names and shapes. Needs no libtorch.
#pragma once

#include <mgca/catalog/choice.hpp>
#include <mgca/core/enum.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/profile.hpp>

#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgca {

// Shapes by name, in our layout.
using TensorShapes = std::map<std::string, std::vector<std::int64_t>, std::less<>>;

namespace detail {

class ModelGuess {
 public:
  explicit ModelGuess(const TensorShapes& shapes) : shapes_(&shapes) {}

  [[nodiscard]] bool has(const std::string& name) const { return shapes_->contains(name); }
  // Side `axis` of a tensor; -1 where there is no such tensor or side.
  [[nodiscard]] std::int64_t side(const std::string& name, std::size_t axis) const {
    const auto it = shapes_->find(name);
    return it == shapes_->end() || axis >= it->second.size() ? -1 : it->second[axis];
  }
  // How many of PREFIX0SUFFIX, PREFIX1SUFFIX, ... there are.
  [[nodiscard]] std::int64_t count(const std::string& prefix, const std::string& suffix) const {
    std::int64_t n = 0;
    while (has(prefix + std::to_string(n) + suffix)) ++n;
    return n;
  }
  void set(const std::string& key, std::int64_t value) {
    if (value > 0) overrides.push_back(key + "=" + std::to_string(value));
  }
  void set(const std::string& key, const std::string& value) { overrides.push_back(key + "=" + value); }

  std::vector<std::string> overrides;

 private:
  const TensorShapes* shapes_;
};

// Heads leave no trace in shapes; the published towers have 64 channels a head.
inline void guess_heads(ModelGuess& guess, const std::string& key, std::int64_t width) {
  if (width > 0 && width % 64 == 0) guess.set(key, width / 64);
}

inline void guess_vit(ModelGuess& guess) {
  const std::string at = "img_encoder_q.model.";
  const auto width = guess.side(at + "cls_token", 2), patch = guess.side(at + "patch_embed.proj.weight", 2), rows = guess.side(at + "pos_embed", 1);
  if (patch > 0 && rows > 1) guess.set("image.image_size", patch * static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(rows - 1)))));
  guess.set("image.patch_size", patch);
  guess.set("image.width", width);
  guess.set("image.depth", guess.count(at + "blocks.", ".attn.qkv.weight"));
  guess_heads(guess, "image.heads", width);
  const auto hidden = guess.side(at + "blocks.0.mlp.fc1.weight", 0);
  if (hidden > 0 && width > 0) guess.set("image.mlp_ratio", std::to_string(static_cast<double>(hidden) / static_cast<double>(width)));
}

// Blocks in each stage tell the depth, the first convolution tells the stem.
inline void guess_resnet(ModelGuess& guess, std::string_view source) {
  const std::string at = "img_encoder_q.model.";
  std::vector<std::int64_t> blocks;
  for (int stage = 1; stage <= 4; ++stage) blocks.push_back(guess.count(at + "layer" + std::to_string(stage) + ".", ".conv1.weight"));
  const bool bottleneck = guess.has(at + "layer1.0.conv3.weight");
  const std::map<std::vector<std::int64_t>, std::string> known = bottleneck
      ? std::map<std::vector<std::int64_t>, std::string>{{{3, 4, 6, 3}, "resnet50"}}
      : std::map<std::vector<std::int64_t>, std::string>{{{1, 1, 1, 1}, "resnet10"}, {{2, 2, 2, 2}, "resnet18"}, {{3, 4, 6, 3}, "resnet34"}};
  const auto it = known.find(blocks);
  if (it == known.end()) {
    fail(ErrorKind::data, source, ": a residual network of ", blocks[0], ", ", blocks[1], ", ", blocks[2], " and ", blocks[3],
         bottleneck ? " bottleneck" : " basic", " blocks; here are resnet10, 18 and 34 of basic and resnet50 of bottleneck blocks");
  }
  guess.set("image.depth", it->second);
  guess.set("image.stem", guess.side(at + "conv1.weight", 2) == 7 ? "imagenet" : "small");
  guess.set("image.width", guess.side(at + "conv1.weight", 0));
}

inline void guess_densenet(ModelGuess& guess) {
  const std::string at = "img_encoder_q.model.features.";
  std::string layers;
  for (int block = 1; block <= 4; ++block) {
    std::int64_t n = 0;  // counted from 1 there
    while (guess.has(at + "denseblock" + std::to_string(block) + ".denselayer" + std::to_string(n + 1) + ".conv1.weight")) ++n;
    layers += (layers.empty() ? "[" : ",") + std::to_string(n);
  }
  guess.set("image.layers", layers + "]");
  guess.set("image.growth", guess.side(at + "denseblock1.denselayer1.conv2.weight", 0));
  guess.set("image.width", guess.side(at + "conv0.weight", 0));
}

inline void guess_bert(ModelGuess& guess) {
  const std::string at = "text_encoder_q.model.", layer = at + "encoder.layer.";
  const auto width = guess.side(at + "embeddings.word_embeddings.weight", 1), positions = guess.side(at + "embeddings.position_embeddings.weight", 0);
  guess.set("text.vocabulary", guess.side(at + "embeddings.word_embeddings.weight", 0));
  guess.set("text.max_positions", positions);
  if (positions > 0 && positions < 112) guess.set("text.length", positions);
  guess.set("text.width", width);
  guess.set("text.depth", guess.count(layer, ".attention.self.query.weight"));
  guess_heads(guess, "text.heads", width);
  guess.set("text.intermediate", guess.side(layer + "0.intermediate.dense.weight", 0));
  if (guess.has(at + "embeddings.token_type_embeddings.weight")) guess.set("text.token_types", "true");
}

}  // namespace detail

// The catalogue's model of that family with the shapes of these weights, for a file that does not say itself. Numbers of
// attention heads are those of the published towers (64 channels each) where the width allows, else the preset's.
// Throws Error(data) where no tower of a known kind is there. `profile`: what the weights were trained with, if known.
[[nodiscard]] inline ModelChoice infer_model(const TensorShapes& shapes, std::optional<Profile> profile, std::string_view source) {
  detail::ModelGuess guess(shapes);
  const std::string image = "img_encoder_q.model.";
  ModelChoice choice;
  if (guess.has(image + "conv1.weight")) {
    choice.name = guess.has("img_encoder_q.local_embed.weight") ? "gloria-resnet50" : "mgca-resnet50";  // the form of a head
    detail::guess_resnet(guess, source);
  } else if (guess.has(image + "features.conv0.weight")) {
    choice.name = "mgca-densenet121";
    detail::guess_densenet(guess);
  } else if (guess.has(image + "cls_token") || guess.has("text_encoder_q.model.embeddings.word_embeddings.weight")) {
    choice.name = "mgca-vit-b16";
    if (guess.has(image + "cls_token")) detail::guess_vit(guess);
  } else {
    fail(ErrorKind::data, source, ": neither an image tower (cls_token, conv1.weight or features.conv0.weight) nor a text tower (word_embeddings) is there");
  }
  detail::guess_bert(guess);
  guess.set("head_hidden", guess.side("img_encoder_q.global_embed.head.0.weight", 0));
  guess.set("embedding", guess.side("img_encoder_q.global_embed.head.3.weight", 0));
  guess.set("prototypes", guess.side("prototype_layer.weight", 0));
  if (profile) guess.set("profile", std::string(to_string(*profile)));
  choice.overrides = std::move(guess.overrides);
  return choice;
}

}  // namespace mgca

// Models by name, as ordinary functions that return configurations, and the list of them all.
#pragma once

#include <mgca/align/clip.hpp>
#include <mgca/align/convirt.hpp>
#include <mgca/align/gloria.hpp>
#include <mgca/align/mgca.hpp>
#include <mgca/align/moco.hpp>
#include <mgca/align/simclr.hpp>
#include <mgca/align/supervised.hpp>
#include <mgca/catalog/pretrain_recipe.hpp>
#include <mgca/core/config.hpp>
#include <mgca/encoders/bert.hpp>
#include <mgca/encoders/densenet.hpp>
#include <mgca/encoders/resnet.hpp>
#include <mgca/encoders/vit.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace mgca {

using MgcaVit = Mgca<Vit, Bert>;
using MgcaResNet = Mgca<ResNet, Bert>;
using MgcaDenseNet = Mgca<DenseNet, Bert>;
using ConVirtVit = ConVirt<Vit, Bert>;
using ConVirtResNet = ConVirt<ResNet, Bert>;
using GloriaResNet = Gloria<ResNet, Bert>;
using ClipVit = Clip<Vit, Bert>;
using ClipResNet = Clip<ResNet, Bert>;
using MocoVit = Moco<Vit>;
using MocoResNet = Moco<ResNet>;
using SimClrVit = SimClr<Vit>;
using SimClrResNet = SimClr<ResNet>;
using SupervisedResNet = Supervised<ResNet>;

// Files anybody can get that fit a model or one of its towers; docs/weights.md has more on each.
struct PublicWeights {
  std::string part;   // model, image or text
  std::string file;   // and whose it is
  std::string terms;  // its licence, as far as known
  static void describe(auto& self, auto&& field) {
    field("part", self.part, "model, image or text");
    field("file", self.file, "and whose it is");
    field("terms", self.terms, "its licence, as far as known");
  }
};

// What is known of a model beside its configuration.
struct ModelFacts {
  std::vector<PublicWeights> weights = {};
  int64_t published_parameters = 0;              // 0: nobody published a number
  std::vector<std::string> published_with = {};  // overrides under which the model has that number
  PretrainRecipe recipe = {};                    // how it is pretrained unless somebody says otherwise
};

namespace presets {

// The published model: ViT-B/16 at 224 pixels, six layers of BERT base, 500 prototypes.
[[nodiscard]] inline MgcaVit::Config mgca_vit_b16() { return {}; }

// The published comparison: ResNet-50, the input enlarged to 299 pixels inside.
[[nodiscard]] inline MgcaResNet::Config mgca_resnet50() { return {}; }

// For tests and first steps: seconds on a laptop.
[[nodiscard]] inline MgcaVit::Config mgca_vit_tiny() {
  MgcaVit::Config c;
  c.image = {.image_size = 64, .patch_size = 8, .width = 64, .depth = 3, .heads = 4, .mlp_ratio = 2};
  c.text = {.length = 48, .width = 64, .depth = 2, .heads = 4, .intermediate = 128};
  c.head_hidden = 128;
  c.embedding = 64;
  c.prototypes = 32;
  return c;
}

// For hundreds to thousands of images at about 64 pixels: a small convolutional tower learns faster than a ViT there.
[[nodiscard]] inline MgcaResNet::Config mgca_resnet_small() {
  MgcaResNet::Config c;
  c.image = {.depth = ResNetDepth::resnet10, .stem = ResNetStem::small, .image_size = 64, .enlarged = 0, .width = 24};
  c.text = {.length = 48, .width = 96, .depth = 2, .heads = 4, .intermediate = 192};
  c.head_hidden = 256;
  c.embedding = 128;
  c.prototypes = 64;
  return c;
}

// MGCA on the usual tower of chest radiograph classifiers, ImageNet's size of pictures; nobody published it.
[[nodiscard]] inline MgcaDenseNet::Config mgca_densenet121() { return {}; }

// ConVIRT with the towers and heads of the published models, and the paper's objective; `form=repository` is the published code's.
[[nodiscard]] inline ConVirtResNet::Config convirt_resnet50() { return {}; }
[[nodiscard]] inline ConVirtVit::Config convirt_vit_b16() { return {}; }

// The small models share their towers, so that they differ in the objective alone.
[[nodiscard]] inline ConVirtResNet::Config convirt_resnet_small() {
  const auto small = mgca_resnet_small();
  return {.image = small.image, .text = small.text, .head_hidden = small.head_hidden, .embedding = small.embedding};
}

// GLoRIA as published: ResNet-50 at 299 pixels, twelve layers of BERT with positions and token types, of which the last four are
// summed; a report is the mean of its 97 tokens, and the class token one of its words.
[[nodiscard]] inline GloriaResNet::Config gloria_resnet50() {
  GloriaResNet::Config c;
  c.text.length = 97;
  c.text.depth = 12;
  c.text.last_layers = 4;
  c.text.summary = BertSummary::mean;
  c.text.class_word = true;
  c.text.token_types = true;
  return c;
}
[[nodiscard]] inline GloriaResNet::Config gloria_resnet_small() {
  const auto small = mgca_resnet_small();
  GloriaResNet::Config c{.image = small.image, .text = small.text};
  c.text.last_layers = 2;
  c.text.summary = BertSummary::mean;
  c.text.class_word = true;
  return c;
}

[[nodiscard]] inline ClipVit::Config clip_vit_b16() { return {}; }
[[nodiscard]] inline ClipResNet::Config clip_resnet_small() {
  const auto small = mgca_resnet_small();
  return {.image = small.image, .text = small.text, .embedding = small.embedding};
}

// MoCo v2 with the towers of the published MGCA models.
[[nodiscard]] inline MocoVit::Config moco_vit_b16() { return {.image = mgca_vit_b16().image}; }
[[nodiscard]] inline MocoResNet::Config moco_resnet50() { return {.image = mgca_resnet50().image}; }

// With hundreds of pictures a long queue would hold a picture's own keys, and a slow copy would never arrive.
[[nodiscard]] inline MocoResNet::Config moco_resnet_small() {
  return {.image = mgca_resnet_small().image, .momentum = 0.99, .queue = 256};
}

[[nodiscard]] inline SimClrVit::Config simclr_vit_b16() { return {.image = mgca_vit_b16().image}; }
[[nodiscard]] inline SimClrResNet::Config simclr_resnet_small() { return {.image = mgca_resnet_small().image, .temperature = 0.5}; }

[[nodiscard]] inline SupervisedResNet::Config supervised_resnet50() { return {.image = mgca_resnet50().image}; }
[[nodiscard]] inline SupervisedResNet::Config supervised_resnet_small() { return {.image = mgca_resnet_small().image}; }

// Overrides that keep every kind of layer of a tower and little of each: what tests build where it would take long.
[[nodiscard]] inline std::vector<std::string> small(const VitConfig&) {
  return {"width=24", "heads=2", "depth=2", "image_size=32", "patch_size=8", "mlp_ratio=2"};
}
[[nodiscard]] inline std::vector<std::string> small(const ResNetConfig&) { return {"width=4", "image_size=64", "enlarged=0"}; }
[[nodiscard]] inline std::vector<std::string> small(const DenseNetConfig&) {
  return {"layers=[1,2,1,1]", "growth=4", "width=8", "image_size=64"};
}
[[nodiscard]] inline std::vector<std::string> small(const BertConfig& c) {
  return {"width=24", "heads=2", "depth=2", "last_layers=" + std::to_string(std::min<int64_t>(c.last_layers, 2)), "intermediate=8", "vocabulary=40", "max_positions=20", "length=12"};
}
// The same of a model: its towers', and the widths and numbers of rows it has itself. A tower without an overload stays as it is.
template <class Config>
[[nodiscard]] std::vector<std::string> small_model(const Config& config) {
  std::vector<std::string> all;
  const auto add = [&](const std::string& prefix, const auto& tower) {
    if constexpr (requires { small(tower); }) {
      for (const auto& text : small(tower)) all.push_back(prefix + text);
    }
  };
  if constexpr (requires { config.image; }) add("image.", config.image);
  if constexpr (requires { config.text; }) add("text.", config.text);
  const auto options = option_table(config);
  for (const auto* one : {"head_hidden=8", "embedding=4", "prototypes=5", "queue=6", "classes=3"}) {
    const std::string text = one, key = text.substr(0, text.find('='));
    if (std::any_of(options.begin(), options.end(), [&](const auto& row) { return row.path == key; })) all.push_back(text);
  }
  return all;
}

// Every model of the library, told to `list.add<Model>(name, summary, configuration, facts)`: of the catalogue, which can build them, and of
// those that need no more than configurations.
template <class List>
void add_standard(List& list) {
  const PublicWeights deit{"image", "deit_base_patch16_224, DeiT", "Apache-2.0"}, resnet{"image", "resnet50, torchvision", "BSD-3-Clause"};
  const PublicWeights densenet{"image", "densenet121, torchvision", "BSD-3-Clause"}, bert{"text", "Bio_ClinicalBERT", "MIT"};
  const std::vector<std::string> published{"text.cross_attention=true"};
  list.template add<MgcaVit>("mgca-vit-b16", "published model: ViT-B/16, 224 px, 6-layer BERT", mgca_vit_b16(),
                             {.weights = {{"model", "vit_base.ckpt, MGCA", "none stated"}, deit, bert}, .published_parameters = 172734208, .published_with = published});
  list.template add<MgcaResNet>("mgca-resnet50", "published comparison: ResNet-50 at 299 px, 6-layer BERT", mgca_resnet50(),
                                {.weights = {{"model", "resnet_50.ckpt, MGCA", "none stated"}, resnet, bert}, .published_parameters = 113589312, .published_with = published});
  list.template add<MgcaDenseNet>("mgca-densenet121", "DenseNet-121, 224 px, 6-layer BERT", mgca_densenet121(), {.weights = {densenet, bert}});
  list.template add<MgcaVit>("mgca-vit-tiny", "small ViT for tests and first steps, 64 px", mgca_vit_tiny(), {.recipe = recipes::small()});
  list.template add<MgcaResNet>("mgca-resnet-small", "small ResNet for hundreds to thousands of images, 64 px", mgca_resnet_small(), {.recipe = recipes::small()});
  list.template add<ConVirtVit>("convirt-vit-b16", "ConVIRT on the towers of mgca-vit-b16", convirt_vit_b16(), {.weights = {deit, bert}, .recipe = recipes::convirt()});
  list.template add<ConVirtResNet>("convirt-resnet50", "ConVIRT on the towers of mgca-resnet50", convirt_resnet50(), {.weights = {resnet, bert}, .recipe = recipes::convirt()});
  list.template add<ConVirtResNet>("convirt-resnet-small", "ConVIRT on the towers of mgca-resnet-small", convirt_resnet_small(), {.recipe = recipes::small()});
  list.template add<GloriaResNet>("gloria-resnet50", "GLoRIA as published: ResNet-50 at 299 px, 12-layer BERT", gloria_resnet50(), {.weights = {resnet, bert}, .recipe = recipes::gloria()});
  list.template add<GloriaResNet>("gloria-resnet-small", "GLoRIA on the towers of mgca-resnet-small", gloria_resnet_small(), {.recipe = recipes::small()});
  list.template add<ClipVit>("clip-vit-b16", "CLIP's objective on the towers of mgca-vit-b16", clip_vit_b16(), {.weights = {deit, bert}});
  list.template add<ClipResNet>("clip-resnet-small", "CLIP's objective on the towers of mgca-resnet-small", clip_resnet_small(), {.recipe = recipes::small()});
  list.template add<MocoVit>("moco-vit-b16", "MoCo v2 on pictures alone: ViT-B/16, 224 px", moco_vit_b16(), {.weights = {deit}, .recipe = recipes::moco()});
  list.template add<MocoResNet>("moco-resnet50", "MoCo v2 on pictures alone: ResNet-50 at 299 px", moco_resnet50(), {.weights = {resnet}, .recipe = recipes::moco()});
  list.template add<MocoResNet>("moco-resnet-small", "MoCo v2 on hundreds to thousands of pictures alone, 64 px", moco_resnet_small(), {.recipe = recipes::with_two_views(recipes::small())});
  list.template add<SimClrVit>("simclr-vit-b16", "SimCLR on pictures alone: ViT-B/16, 224 px", simclr_vit_b16(), {.weights = {deit}, .recipe = recipes::moco()});
  list.template add<SimClrResNet>("simclr-resnet-small", "SimCLR on hundreds to thousands of pictures alone, 64 px", simclr_resnet_small(), {.recipe = recipes::with_two_views(recipes::small())});
  list.template add<SupervisedResNet>("supervised-resnet50", "control: labels alone, ResNet-50 at 299 px", supervised_resnet50(), {.weights = {resnet}});
  list.template add<SupervisedResNet>("supervised-resnet-small", "control: labels alone, small ResNet, 64 px", supervised_resnet_small(), {.recipe = recipes::small()});
}

}  // namespace presets
}  // namespace mgca

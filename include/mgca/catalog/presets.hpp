// Models by name, as ordinary functions that return configurations.
#pragma once

#include <mgca/align/clip.hpp>
#include <mgca/align/convirt.hpp>
#include <mgca/align/gloria.hpp>
#include <mgca/align/mgca.hpp>
#include <mgca/encoders/bert.hpp>
#include <mgca/encoders/resnet.hpp>
#include <mgca/encoders/vit.hpp>

namespace mgca {

using MgcaVit = Mgca<Vit, Bert>;
using MgcaResNet = Mgca<ResNet, Bert>;
using ConVirtVit = ConVirt<Vit, Bert>;
using ConVirtResNet = ConVirt<ResNet, Bert>;
using GloriaResNet = Gloria<ResNet, Bert>;
using ClipVit = Clip<Vit, Bert>;
using ClipResNet = Clip<ResNet, Bert>;

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

}  // namespace presets
}  // namespace mgca

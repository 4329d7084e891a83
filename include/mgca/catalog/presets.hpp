// Models by name, as ordinary functions that return configurations.
#pragma once

#include <mgca/align/mgca.hpp>
#include <mgca/encoders/bert.hpp>
#include <mgca/encoders/resnet.hpp>
#include <mgca/encoders/vit.hpp>

namespace mgca {

using MgcaVit = Mgca<Vit, Bert>;
using MgcaResNet = Mgca<ResNet, Bert>;

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

}  // namespace presets
}  // namespace mgca

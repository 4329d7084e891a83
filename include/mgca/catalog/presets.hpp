// Models by name, as ordinary functions that return configurations.
#pragma once

#include <mgca/align/mgca.hpp>
#include <mgca/align/moco.hpp>
#include <mgca/align/simclr.hpp>
#include <mgca/align/supervised.hpp>
#include <mgca/encoders/bert.hpp>
#include <mgca/encoders/resnet.hpp>
#include <mgca/encoders/vit.hpp>

namespace mgca {

using MgcaVit = Mgca<Vit, Bert>;
using MgcaResNet = Mgca<ResNet, Bert>;
using MocoVit = Moco<Vit>;
using MocoResNet = Moco<ResNet>;
using SimClrVit = SimClr<Vit>;
using SimClrResNet = SimClr<ResNet>;
using SupervisedResNet = Supervised<ResNet>;

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

// MoCo v2 with the towers of the published MGCA models.
[[nodiscard]] inline MocoVit::Config moco_vit_b16() { return {.image = mgca_vit_b16().image}; }
[[nodiscard]] inline MocoResNet::Config moco_resnet50() { return {.image = mgca_resnet50().image}; }

// With hundreds of pictures a long queue would hold a picture's own keys, and a slow copy would never arrive.
[[nodiscard]] inline MocoResNet::Config moco_resnet_small() {
  return {.image = mgca_resnet_small().image, .momentum = 0.99, .queue = 256, .valid_queue = 64};
}

[[nodiscard]] inline SimClrVit::Config simclr_vit_b16() { return {.image = mgca_vit_b16().image}; }
[[nodiscard]] inline SimClrResNet::Config simclr_resnet_small() { return {.image = mgca_resnet_small().image, .temperature = 0.5}; }

[[nodiscard]] inline SupervisedResNet::Config supervised_resnet50() { return {.image = mgca_resnet50().image}; }
[[nodiscard]] inline SupervisedResNet::Config supervised_resnet_small() { return {.image = mgca_resnet_small().image}; }

}  // namespace presets
}  // namespace mgca

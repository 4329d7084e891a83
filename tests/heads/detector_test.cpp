#include "catch.hpp"
#include "norms.hpp"

#include <mgca/encoders/densenet.hpp>
#include <mgca/heads/detector.hpp>
#include <mgca/tensor/state_dict.hpp>

using mgca::Detector;
using mgca::ResNetDepth;

namespace {
Detector small_detector() {
  torch::manual_seed(1);
  return Detector({.image = {.depth = ResNetDepth::resnet10, .image_size = 64, .enlarged = 0, .width = 4}, .yolo = {.width = 8}});
}
}  // namespace

TEST_CASE("detector: gives boxes for every cell of a tower of any width, under the published names", "[heads][fast]") {
  auto detector = small_detector();
  CHECK(detector->boxes(torch::randn({2, 3, 64, 64})).sizes() == at::IntArrayRef({2, 3 * (4 + 16 + 64), 6}));
  std::vector<std::string> names;
  for (const auto& [name, value] : mgca::state_dict(*detector)) names.push_back(name);
  for (const auto* name : {"backbone.model.layer4.0.conv1.weight", "embedding0.5.bn.running_var", "embedding1_cbl.conv.weight", "embedding2.conv_out.bias"}) {
    INFO(name);
    CHECK(std::count(names.begin(), names.end(), name) == 1);
  }
}

TEST_CASE("detector: any tower with a pyramid carries the head, and is shared", "[heads][fast]") {
  torch::manual_seed(2);
  const mgca::DenseNet tower({.layers = {1, 1, 1, 1}, .growth = 4, .width = 8, .image_size = 64});
  Detector detector(std::make_shared<mgca::DetectorImpl>(tower, mgca::YoloConfig{.width = 8}));
  CHECK(detector->boxes(torch::randn({2, 3, 64, 64})).sizes() == at::IntArrayRef({2, 3 * (4 + 16 + 64), 6}));
  CHECK(detector->tower == tower.ptr());
}

TEST_CASE("detector: ranks can share the statistics of all its norms", "[heads][fast]") { CHECK(mgca::test::all_norms_synchronise(*small_detector())); }

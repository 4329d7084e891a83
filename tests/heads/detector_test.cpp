#include "catch.hpp"

#include <mgca/heads/detector.hpp>
#include <mgca/tensor/state_dict.hpp>

using mgca::Detector;
using mgca::ResNetDepth;
using mgca::TowerTraining;

namespace {
Detector small_detector() {
  torch::manual_seed(1);
  return Detector({.image = {.depth = ResNetDepth::resnet10, .image_size = 64, .enlarged = 0, .width = 4}, .yolo = {.width = 8}});
}
bool changes_statistics(Detector& detector) {
  const auto before = detector->tower->bn1->running_mean.clone();
  (void)detector(torch::randn({2, 3, 64, 64}));
  return !torch::equal(before, detector->tower->bn1->running_mean);
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

TEST_CASE("detector: a frozen tower learns nothing; as published its statistics move all the same", "[heads][fast]") {
  for (const auto how : {TowerTraining::frozen, TowerTraining::frozen_batch_norm, TowerTraining::trained}) {
    auto detector = small_detector();
    detector->train_tower(how);
    detector->train();
    CHECK(changes_statistics(detector) == (how != TowerTraining::frozen));
    auto loss = torch::zeros({});
    for (const auto& output : detector(torch::randn({2, 3, 64, 64}))) loss = loss + output.square().sum();
    loss.backward();
    CHECK(detector->tower->conv1->weight.grad().defined() == (how == TowerTraining::trained));
    CHECK(detector->yolo->embedding0->conv_out->weight.grad().defined());
    detector->eval();
    CHECK_FALSE(changes_statistics(detector));
  }
}

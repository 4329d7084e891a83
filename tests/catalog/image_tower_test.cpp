#include "expect_error.hpp"
#include "paths.hpp"
#include "small_models.hpp"

#include <mgca/catalog/image_tower.hpp>

using mgca::image_tower_config;
using mgca::random_image_tower;
using mgca::read_image_tower;
using mgca::test::expect_error;
using mgca::test::narrow;
using mgca::test::Scratch;
using mgca::test::small_model;

namespace {

using Tensors = std::map<std::string, mgca::Tensor>;

Tensors tensors_of(const mgca::ImageTower& tower) {
  Tensors all;
  std::visit([&](const auto& t) {
    for (const auto& [name, value] : mgca::state_dict(*t)) all.emplace(name, value.clone());
  }, tower);
  return all;
}

// The tower of a whole model.
Tensors trunk_of(const mgca::AlignmentModel& model) {
  Tensors all;
  const std::string trunk = "img_encoder_q.model.";
  for (const auto& [name, value] : mgca::state_dict(model)) {
    if (name.starts_with(trunk)) all.emplace(name.substr(trunk.size()), value);
  }
  return all;
}

void check_equal(const Tensors& left, const Tensors& right) {
  REQUIRE(left.size() == right.size());
  for (const auto& [name, value] : left) {
    INFO(name);
    REQUIRE(right.contains(name));
    CHECK(torch::equal(value, right.at(name)));
  }
}

std::filesystem::path write(const std::filesystem::path& path, const mgca::AlignmentModel& model, const std::string& dialect,
                            const std::map<std::string, std::string>& metadata = {}) {
  mgca::StateDict dict;
  for (const auto& [name, value] : mgca::state_dict(model)) {
    if (const auto theirs = mgca::dialect(dialect).map.to_theirs(name).name) dict.push_back({*theirs, value});
  }
  mgca::write_weights(path, {dict, metadata});
  return path;
}

}  // namespace

TEST_CASE("image_tower: every model of the catalogue has one, and the same choice draws the same weights", "[catalog][fast]") {
  for (const auto& entry : mgca::test::paired_models()) {
    INFO(entry.name);
    const mgca::ModelChoice choice{.name = entry.name, .overrides = narrow(entry.name), .seed = 5};
    check_equal(tensors_of(random_image_tower(choice)), tensors_of(random_image_tower(choice)));
    auto shapes = trunk_of(*small_model(entry.name));
    for (const auto& [name, value] : tensors_of(random_image_tower(choice))) CHECK(shapes.at(name).sizes() == value.sizes());
  }
  CHECK(std::get<mgca::VitConfig>(image_tower_config({.name = "mgca-vit-b16", .overrides = {"image.depth=3", "text.depth=2"}})).depth == 3);
  expect_error([] { (void)image_tower_config({.name = "mgca-vit-b17"}); }, {"no model 'mgca-vit-b17'", "mgca-vit-b16"});
}

TEST_CASE("image_tower: a file of any dialect gives its tower, told by shapes alone", "[catalog][fast]") {
  const Scratch scratch;
  for (const auto& [name, dialect] : std::vector<std::pair<std::string, std::string>>{{"mgca-vit-tiny", "timm-vit"}, {"mgca-vit-tiny", "mgca-lightning"},
                                                                                       {"mgca-resnet-small", "torchvision-resnet"}, {"mgca-resnet50", "gloria"}}) {
    INFO(name << " as " << dialect);
    const auto model = small_model(name);
    const auto path = write(scratch / "weights.safetensors", *model, dialect);
    const bool vit = name.find("vit") != std::string::npos;  // heads leave no trace in shapes, nor the picture's side in a ResNet
    const auto read = read_image_tower(path, {.overrides = vit ? std::vector<std::string>{"heads=2"} : std::vector<std::string>{"image_size=32", "enlarged=0"}});
    check_equal(tensors_of(read.tower), trunk_of(*model));
    CHECK(read.report.dialect == dialect);
    CHECK(std::holds_alternative<mgca::Vit>(read.tower) == vit);
    std::visit([&](auto tower) {
      tower->eval();
      model->eval();
      const auto picture = torch::rand({1, 3, 32, 32});
      CHECK(torch::equal(tower(picture).global, model->image_features(picture)));
    }, read.tower);
  }
}

TEST_CASE("image_tower: a run's folder gives its best weights with what they say of themselves", "[catalog][fast]") {
  const Scratch scratch;
  const auto model = small_model("mgca-resnet-small");
  const mgca::ModelChoice choice{.name = "mgca-resnet-small", .overrides = narrow("mgca-resnet-small")};
  const mgca::Preprocessing how{.image_size = 32, .stored_side = 40};
  write(scratch / "best.safetensors", *model, "mgca", {{"model", mgca::to_json_text(choice, -1)}, {mgca::Preprocessing::kKey, mgca::to_json_text(how, -1)}});
  const auto read = read_image_tower(scratch.path());
  check_equal(tensors_of(read.tower), trunk_of(*model));
  CHECK(std::get<mgca::ResNet>(read.tower)->image_size() == 32);
  CHECK(read.preprocessing->stored_side == 40);
  const Scratch empty;
  expect_error([&] { (void)read_image_tower(empty.path()); }, {"best.safetensors is missing", "folder of a run"});
}

TEST_CASE("image_tower: a ViT for larger pictures has its positions resampled on request alone", "[catalog][fast]") {
  const Scratch scratch;
  const auto path = write(scratch / "w.safetensors", *small_model("mgca-vit-tiny"), "timm-vit");
  const std::vector<std::string> larger{"heads=2", "image_size=48"};
  expect_error([&] { (void)read_image_tower(path, {.overrides = larger}); }, {"w.safetensors", "pos_embed: expected [1, 37, 24], found [1, 17, 24]", "resample"});
  auto read = read_image_tower(path, {.overrides = larger, .resample_positions = true});
  CHECK(read.report.resampled);
  CHECK(std::get<mgca::Vit>(read.tower)(torch::rand({1, 3, 48, 48})).local.size(1) == 36);
}

TEST_CASE("image_tower: text weights, an incomplete tower and an unknown option are refused by name", "[catalog][fast]") {
  const Scratch scratch;
  const auto model = small_model("mgca-resnet-small");
  const auto bert = write(scratch / "bert.safetensors", *model, "hf-bert");
  expect_error([&] { (void)read_image_tower(bert); }, {"bert.safetensors", "holds no image tower", "hf-bert"});
  mgca::StateDict dict;
  for (const auto& [name, value] : trunk_of(*model)) {
    if (name != "layer2.0.bn1.running_var") dict.push_back({name, value});
  }
  mgca::write_weights(scratch / "part.safetensors", {dict, {}});
  expect_error([&] { (void)read_image_tower(scratch / "part.safetensors"); }, {"part.safetensors", "missing: layer2.0.bn1.running_var"});
  expect_error([&] { (void)read_image_tower(write(scratch / "r.safetensors", *model, "mgca"), {.overrides = {"patch_size=4"}}); }, {"patch_size"});
}

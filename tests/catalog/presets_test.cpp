#include "described.hpp"
#include "expect_error.hpp"

#include <mgca/catalog/presets.hpp>

namespace presets = mgca::presets;

TEST_CASE("presets: every field of every configuration is described", "[catalog][fast]") {
  mgca::test::expect_described<mgca::VitConfig>(48);
  mgca::test::expect_described<mgca::ResNetConfig>(32);
  mgca::test::expect_described<mgca::DenseNetConfig>(48);
  mgca::test::expect_described<mgca::BertConfig>(88);
  mgca::test::expect_described<mgca::CtaConfig>(40);
  mgca::test::expect_described<mgca::ops::SinkhornOptions>(16);
  mgca::test::expect_described<mgca::MgcaVit::Config>(272);
  mgca::test::expect_described<mgca::MgcaResNet::Config>(256);
  mgca::test::expect_described<mgca::ConVirtVit::Config>(200);
  mgca::test::expect_described<mgca::GloriaResNet::Config>(184);
  mgca::test::expect_described<mgca::ClipVit::Config>(184);
  mgca::test::expect_described<mgca::MocoVit::Config>(96);
  mgca::test::expect_described<mgca::SimClrVit::Config>(80);
  mgca::test::expect_described<mgca::SupervisedResNet::Config>(40);
}

namespace {

// What every entry of the library must be, without building one.
struct CheckEach {
  int count = 0;

  template <class Model>
  void add(const std::string& name, const std::string& /*summary*/, const typename Model::Config& preset, const mgca::ModelFacts& facts = {}) {
    INFO(name);
    using Config = typename Model::Config;
    ++count;
    CHECK_NOTHROW(preset.validate());
    CHECK(mgca::differences(mgca::from_json_text<Config>(mgca::to_json_text(preset), "preset"), preset).empty());
    if constexpr (requires { preset.profile; preset.text.profile; }) CHECK(preset.text.profile == preset.profile);
    auto small = preset;
    mgca::apply_overrides(small, presets::small_model(preset));
    CHECK_NOTHROW(small.validate());
    CHECK(small.image.image_size <= 64);
    CHECK_NOTHROW(facts.recipe.validate());
    if constexpr (!requires { preset.text; }) CHECK(facts.recipe.sentence == 0);
    for (const auto& one : facts.weights) CHECK(((one.part == "model" || one.part == "image" || one.part == "text") && !one.file.empty() && !one.terms.empty()));
  }
};

}  // namespace

TEST_CASE("presets: each is valid, survives JSON, its text tower has its profile, and it has a small form", "[catalog][fast]") {
  CheckEach each;
  presets::add_standard(each);
  CHECK(each.count >= 5);
}

TEST_CASE("presets: the published models have the published sizes", "[catalog][fast]") {
  const auto vit = presets::mgca_vit_b16();
  CHECK(vit.image.patches() == 196);
  CHECK((vit.image.width == 768 && vit.image.depth == 12 && vit.image.heads == 12));
  CHECK((vit.text.vocabulary == 28996 && vit.text.length == 112 && vit.text.depth == 6));
  CHECK((vit.head_hidden == 2048 && vit.embedding == 128 && vit.prototypes == 500));
  CHECK((vit.instance_temperature == 0.07 && vit.token_temperature == 0.1 && vit.prototype_temperature == 0.2));
  CHECK((vit.sinkhorn.iterations == 3 && vit.sinkhorn.epsilon == 0.05 && vit.frozen_prototype_epochs == 1));
  const auto resnet = presets::mgca_resnet50();
  CHECK((resnet.image.depth == mgca::ResNetDepth::resnet50 && resnet.image.image_size == 224 && resnet.image.enlarged == 299));
}

TEST_CASE("presets: the small models share their towers, so that they differ in the objective alone", "[catalog][fast]") {
  const auto small = presets::mgca_resnet_small();
  const auto same_towers = [&](const auto& preset) {
    CHECK(mgca::differences(preset.image, small.image).empty());
    CHECK((preset.text.width == small.text.width && preset.text.depth == small.text.depth && preset.text.length == small.text.length));
  };
  same_towers(presets::convirt_resnet_small());
  same_towers(presets::gloria_resnet_small());
  same_towers(presets::clip_resnet_small());
  const auto gloria = presets::gloria_resnet50();
  CHECK((gloria.text.depth == 12 && gloria.text.last_layers == 4 && gloria.text.length == 97 && gloria.text.token_types));
}

#include "expect_error.hpp"
#include "small_models.hpp"

#include <mgca/catalog/infer_model.hpp>

using mgca::infer_model;
using mgca::TensorShapes;

namespace {
TensorShapes shapes_of(const mgca::AlignmentModel& model) {
  TensorShapes shapes;
  for (const auto& [name, value] : mgca::state_dict(model)) shapes.emplace(name, value.sizes().vec());
  return shapes;
}
bool contains(const std::vector<std::string>& list, const std::string& item) { return std::find(list.begin(), list.end(), item) != list.end(); }
}  // namespace

TEST_CASE("infer_model: a model built from what its own shapes tell has the same shapes", "[catalog][fast]") {
  for (const auto& entry : mgca::Catalog::standard().entries()) {
    if (!entry.name.starts_with("mgca-")) continue;  // others are named by their files; shapes tell their towers alone
    INFO(entry.name);
    const auto model = mgca::test::small_model(entry.name, {"text.token_types=true"});
    auto choice = infer_model(shapes_of(*model), mgca::Profile::official, "w");
    for (const auto* tower : {"text", "image"}) {  // heads leave no trace at these widths
      if (tower != std::string("image") || entry.name.find("vit") != std::string::npos) choice.overrides.push_back(std::string(tower) + ".heads=2");
    }
    choice.overrides.push_back("text.length=12");
    if (entry.name.find("resnet") != std::string::npos) choice.overrides.insert(choice.overrides.end(), {"image.image_size=32", "image.enlarged=0"});
    const auto again = mgca::Catalog::standard().create(choice);
    CHECK(shapes_of(*again) == shapes_of(*model));
    CHECK(again->profile() == mgca::Profile::official);
  }
}

TEST_CASE("infer_model: the published shapes give the published models", "[catalog][fast]") {
  const auto vit = infer_model({{"img_encoder_q.model.cls_token", {1, 1, 768}}, {"img_encoder_q.model.pos_embed", {1, 197, 768}},
                                {"img_encoder_q.model.patch_embed.proj.weight", {768, 3, 16, 16}}, {"img_encoder_q.model.blocks.0.attn.qkv.weight", {2304, 768}}},
                               std::nullopt, "w");
  CHECK(vit.name == "mgca-vit-b16");
  for (const auto* expected : {"image.image_size=224", "image.patch_size=16", "image.heads=12", "image.depth=1"}) CHECK(contains(vit.overrides, expected));
  CHECK(infer_model({{"text_encoder_q.model.embeddings.word_embeddings.weight", {28996, 768}}}, std::nullopt, "w").overrides.front() == "text.vocabulary=28996");
}

TEST_CASE("infer_model: towers of no known kind are refused by file", "[catalog][fast]") {
  mgca::test::expect_error([] { (void)infer_model({{"prototype_layer.weight", {5, 4}}}, std::nullopt, "odd.pth"); }, {"odd.pth", "neither an image tower"});
  mgca::test::expect_error([] { (void)infer_model({{"img_encoder_q.model.conv1.weight", {64, 3, 7, 7}}, {"img_encoder_q.model.layer1.0.conv1.weight", {64, 64, 1, 1}},
                                                   {"img_encoder_q.model.layer1.0.conv3.weight", {256, 64, 1, 1}}}, std::nullopt, "odd.pth"); },
                           {"odd.pth", "1, 0, 0 and 0 bottleneck blocks"});
}

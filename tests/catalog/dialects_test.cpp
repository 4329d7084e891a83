#include "expect_error.hpp"
#include "paths.hpp"
#include "small_models.hpp"

#include <mgca/catalog/dialects.hpp>
#include <mgca/catalog/start_weights.hpp>

#include <set>

using mgca::Dialect;
using mgca::dialect;
using mgca::test::small_model;
using mgca::test::tensor_names;

namespace {

std::vector<std::string> names_of_model(const std::string& model) {
  std::vector<std::string> more;
  if (mgca::Catalog::standard().at(model).needs.reports) more = {"text.depth=6", "text.cross_attention=true", "text.token_types=true"};
  return tensor_names(*small_model(model, more));
}

// Every name of every model, the unused blocks of the published files included.
std::vector<std::string> all_names() {
  std::set<std::string> names;
  for (const auto& entry : mgca::Catalog::standard().entries()) {
    for (auto& name : names_of_model(entry.name)) names.insert(name);
  }
  return {names.begin(), names.end()};
}

// A model's names as a file of the dialect has them.
std::vector<std::string> foreign(const std::string& model, const std::string& to) {
  const auto ours = names_of_model(model);
  const auto made = mgca::translate(ours, dialect("mgca"), dialect(to), "test");
  std::vector<std::string> names;
  for (const auto& one : made.kept) names.push_back(one.name);
  return names;
}

std::vector<std::string> with_prefix(const std::string& prefix, std::vector<std::string> names) {
  for (auto& name : names) name = prefix + name;
  return names;
}

std::vector<std::string> joined(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::string replaced_end(const std::string& name, const std::string& from, const std::string& to) {
  return name.ends_with(from) ? name.substr(0, name.size() - from.size()) + to : name;
}

std::string name_here(const std::string& dialect_name, const std::string& theirs) { return dialect(dialect_name).map.to_ours(theirs).name.value_or(""); }
std::string reason_for(const std::string& dialect_name, const std::string& theirs) { return dialect(dialect_name).map.to_ours(theirs).omitted; }

}  // namespace

TEST_CASE("dialects: the two directions undo each other on every name of every model", "[catalog][fast]") {
  const auto names = all_names();
  CHECK(names.size() > 500);
  for (const auto& one : mgca::dialects()) {
    INFO(one.name);
    one.map.validate();
    std::set<std::string> made;
    std::size_t withheld = 0;
    for (const auto& ours : names) {
      const auto theirs = one.map.to_theirs(ours);
      withheld += theirs.omitted.empty() ? 0 : 1;
      if (!theirs.name) continue;
      INFO(ours << " -> " << *theirs.name);
      CHECK(made.insert(*theirs.name).second);
      CHECK(one.map.to_ours(*theirs.name).name == ours);
      CHECK(one.map.standard(*theirs.name) == *theirs.name);
    }
    CHECK(made.size() > 60);
    if (one.name.starts_with("mgca")) CHECK(made.size() == names.size());
    else CHECK(made.size() + withheld < names.size());
  }
}

TEST_CASE("dialects: what is written in a dialect is recognised as that dialect and as no other", "[catalog][fast]") {
  for (const auto& one : mgca::dialects()) {
    INFO(one.name);
    const auto names = foreign(one.name == "timm-vit" ? "mgca-vit-b16" : one.name == "torchvision-densenet" ? "mgca-densenet121" : "mgca-resnet50", one.name);
    CHECK(mgca::fitting_dialects(names) == std::vector<std::string>{one.name});
    CHECK(mgca::detect_dialect(names, "file").name == one.name);
  }
}

TEST_CASE("dialects: files wrapped by DeiT, DataParallel and Lightning are recognised, and their heads stay behind", "[catalog][fast]") {
  const auto vit = foreign("mgca-vit-b16", "timm-vit"), resnet = foreign("mgca-resnet50", "torchvision-resnet"), bert = foreign("mgca-resnet50", "hf-bert");
  const auto detect = [](const std::vector<std::string>& names) { return mgca::detect_dialect(names, "file").name; };
  CHECK(detect(joined(with_prefix("model.", vit), {"model.head.weight", "model.head.bias"})) == "timm-vit");
  CHECK(detect(joined(resnet, {"fc.weight", "fc.bias"})) == "torchvision-resnet");
  CHECK(detect(with_prefix("state_dict.module.", resnet)) == "torchvision-resnet");
  CHECK(detect(joined(with_prefix("state_dict.module.densenet121.", foreign("mgca-densenet121", "torchvision-densenet")), {"state_dict.module.densenet121.classifier.0.weight"})) == "torchvision-densenet");
  CHECK(detect(with_prefix("state_dict.module.encoder_q.", resnet)) == "moco");
  CHECK(detect(with_prefix("state_dict.encoder_q.", resnet)) == "moco-bolts");
  CHECK(detect(joined(with_prefix("bert.", bert), {"cls.predictions.bias"})) == "hf-bert");
  std::vector<std::string> old;
  for (const auto& name : bert) old.push_back(name.find("LayerNorm") == std::string::npos ? name : replaced_end(replaced_end(name, ".weight", ".gamma"), ".bias", ".beta"));
  CHECK(detect(old) == "hf-bert");
  CHECK(detect(joined(joined(with_prefix("state_dict.gloria.img_encoder.model.", resnet), with_prefix("state_dict.gloria.text_encoder.model.", bert)),
                      {"state_dict.gloria.img_encoder.global_embedder.weight"})) == "gloria");
  CHECK(detect(with_prefix("state_dict.", foreign("mgca-vit-b16", "mgca"))) == "mgca-lightning");
  CHECK(dialect("mgca-lightning").profile == mgca::Profile::official);

  CHECK(reason_for("timm-vit", "model.head_dist.weight").find("classifier") != std::string::npos);
  CHECK(reason_for("torchvision-resnet", "fc.bias").find("classifier") != std::string::npos);
  for (const auto* name : {"bert.pooler.dense.weight", "cls.seq_relationship.weight", "pooler.dense.bias"}) CHECK_FALSE(reason_for("hf-bert", name).empty());
  CHECK_FALSE(reason_for("gloria", "gloria.text_encoder.model.pooler.dense.weight").empty());
  CHECK_FALSE(reason_for("moco", "state_dict.module.encoder_k.conv1.weight").empty());
  CHECK_FALSE(reason_for("moco", "state_dict.module.queue_ptr").empty());
  CHECK_FALSE(reason_for("moco", "state_dict.module.encoder_q.fc.2.weight").empty());
  CHECK_FALSE(reason_for("mgca-lightning", "optimizer_states.0.state.3.exp_avg").empty());
}

TEST_CASE("dialects: names of published files come out under the names of the models", "[catalog][fast]") {
  CHECK(name_here("mgca-lightning", "state_dict.img_encoder_q.model.blocks.11.attn.qkv.weight") == "img_encoder_q.model.blocks.11.attn.qkv.weight");
  CHECK(name_here("convirt-lightning", "state_dict.text_encoder.global_embed.head.0.weight") == "text_encoder_q.global_embed.head.0.weight");
  CHECK(name_here("timm-vit", "model.patch_embed.proj.bias") == "img_encoder_q.model.patch_embed.proj.bias");
  CHECK(name_here("torchvision-resnet", "layer3.5.bn3.running_var") == "img_encoder_q.model.layer3.5.bn3.running_var");
  CHECK(name_here("torchvision-densenet", "features.denseblock1.denselayer6.norm.2.running_var") == "img_encoder_q.model.features.denseblock1.denselayer6.norm2.running_var");
  CHECK(name_here("torchvision-densenet", "features.denseblock4.denselayer1.conv.1.weight") == "img_encoder_q.model.features.denseblock4.denselayer1.conv1.weight");
  CHECK(name_here("hf-bert", "bert.embeddings.LayerNorm.gamma") == "text_encoder_q.model.embeddings.LayerNorm.weight");
  CHECK(name_here("hf-bert", "encoder.layer.11.output.LayerNorm.beta") == "text_encoder_q.model.encoder.layer.11.output.LayerNorm.bias");
  CHECK(name_here("gloria", "state_dict.gloria.text_encoder.model.embeddings.position_ids") == "text_encoder_q.model.embeddings.position_ids");
  CHECK(name_here("gloria", "state_dict.gloria.img_encoder.global_embedder.bias") == "img_encoder_q.global_embed.bias");
  CHECK(name_here("gloria", "state_dict.gloria.img_encoder.local_embedder.weight") == "img_encoder_q.local_embed.weight");
  CHECK(name_here("moco", "state_dict.module.encoder_q.bn1.weight") == "img_encoder_q.model.bn1.weight");
  CHECK(name_here("moco-bolts", "state_dict.encoder_q.layer1.0.downsample.0.weight") == "img_encoder_q.model.layer1.0.downsample.0.weight");
  CHECK(name_here("mgca-checkpoint", "model/prototype_layer.weight") == "prototype_layer.weight");
}

TEST_CASE("dialects: a published GLoRIA file, whose projection of regions is a 1 x 1 convolution, fills the model it is told to be", "[catalog][fast]") {
  const mgca::test::Scratch scratch;
  const auto& gloria = dialect("gloria");
  const std::vector<std::string> shape{"text.last_layers=2", "text.token_types=true"};
  const auto source = mgca::Catalog::standard().create({.name = "gloria-resnet50", .overrides = mgca::test::narrow("gloria-resnet50", shape), .seed = 9});
  mgca::StateDict dict;
  for (const auto& [name, value] : mgca::state_dict(*source)) {
    dict.push_back({"state_dict." + gloria.map.to_theirs(name).name.value(), value.view(gloria.sides_there(name, value.sizes().vec()))});
  }
  CHECK(std::count_if(dict.begin(), dict.end(), [](const auto& item) { return item.value.dim() == 4 && item.name.ends_with("local_embedder.weight"); }) == 1);
  mgca::write_weights(scratch / "gloria.safetensors", {dict, {}});
  const auto file = mgca::io::WeightFile::open(scratch / "gloria.safetensors");
  const auto choice = mgca::model_of(file, mgca::our_weights(file));
  CHECK(choice.name == "gloria-resnet50");
  CHECK(std::count(choice.overrides.begin(), choice.overrides.end(), "text.token_types=true") == 1);
  const auto model = small_model("gloria-resnet50", shape);
  const auto report = mgca::load_start_weights(*model, file);
  CHECK(report.at_random.empty());
  CHECK(report.left_out.empty());
  const auto taken = mgca::state_dict(*model), given = mgca::state_dict(*source);
  for (std::size_t i = 0; i < taken.size(); ++i) {
    INFO(taken[i].name);
    CHECK(torch::equal(taken[i].value, given[i].value));
  }
  const auto other = mgca::load_start_weights(*small_model("mgca-resnet50", {"text.token_types=true"}), file, {.part = mgca::WeightPart::image});
  CHECK(std::count_if(other.left_out.begin(), other.left_out.end(), [](const auto& one) { return one.reason.find("projection of one layer") != std::string::npos; }) == 3);
}

TEST_CASE("dialects: a file of none or of two is refused with what there is", "[catalog][fast]") {
  mgca::test::expect_error([] { (void)mgca::detect_dialect({"a.weight", "b.weight", "c", "d"}, "odd.pth"); },
                           {"odd.pth", "4 tensors (a.weight, b.weight, c, ...)", "none of the dialects mgca, mgca-checkpoint, mgca-lightning", "hf-bert"});
  const auto both = joined(foreign("mgca-resnet50", "torchvision-resnet"), foreign("mgca-resnet50", "hf-bert"));
  mgca::test::expect_error([&] { (void)mgca::detect_dialect(both, "both.pth"); }, {"both.pth", "more than one dialect: torchvision-resnet and hf-bert"});
  mgca::test::expect_error([] { (void)dialect("tim-vit"); }, {"'tim-vit'", "did you mean 'timm-vit'"});
  mgca::test::expect_error([&] { (void)mgca::translate({"bert.embeddings.LayerNorm.weight", "embeddings.LayerNorm.gamma"}, dialect("hf-bert"), "twice.bin"); },
                           {"twice.bin", "'bert.embeddings.LayerNorm.weight' and 'embeddings.LayerNorm.gamma' are both text_encoder_q.model.embeddings.LayerNorm.weight"});
}

TEST_CASE("dialects: weights are written only where they make a whole file of the dialect, and what stays behind has a reason", "[catalog][fast]") {
  const auto ours = names_of_model("mgca-vit-b16");
  mgca::test::expect_error([&] { (void)mgca::translate(ours, dialect("mgca"), dialect("torchvision-resnet"), "a.safetensors"); }, {"a.safetensors", "torchvision-resnet", "would lack conv1.weight"});
  CHECK(mgca::translate(foreign("mgca-vit-b16", "timm-vit"), dialect("timm-vit"), dialect("mgca"), "deit.pth").kept.size() == foreign("mgca-vit-b16", "timm-vit").size());
  const auto made = mgca::translate(ours, dialect("mgca"), dialect("hf-bert"), "a.safetensors");
  CHECK(made.kept.size() + made.left_out.size() == ours.size());
  std::set<std::string> reasons;
  for (const auto& one : made.left_out) reasons.insert(one.reason);
  CHECK(reasons.contains("no place in the dialect hf-bert"));
  CHECK(reasons.contains("cross-attention that the published MGCA files hold and never run"));
}

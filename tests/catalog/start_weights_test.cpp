#include "expect_error.hpp"
#include "paths.hpp"
#include "small_models.hpp"

#include <mgca/catalog/start_weights.hpp>

#include <functional>
#include <map>
#include <set>

using mgca::Dialect;
using mgca::load_start_weights;
using mgca::StateDict;
using mgca::Tensor;
using mgca::WeightPart;
using mgca::test::Scratch;
using mgca::test::small_model;

namespace {

std::map<std::string, Tensor> copy_of(const mgca::AlignmentModel& model) {
  std::map<std::string, Tensor> copy;
  for (const auto& [name, value] : mgca::state_dict(model)) copy.emplace(name, value.detach().clone());
  return copy;
}

bool unchanged(const mgca::AlignmentModel& model, const std::map<std::string, Tensor>& before) {
  for (const auto& [name, value] : mgca::state_dict(model)) {
    if (!torch::equal(value, before.at(name))) return false;
  }
  return true;
}

// A model's tensors as a file of the dialect, after `change`.
mgca::io::WeightFile file_of(const Scratch& scratch, const mgca::AlignmentModel& model, const std::string& dialect,
                             const std::function<void(StateDict&)>& change = [](StateDict&) {}, const std::map<std::string, std::string>& metadata = {}) {
  StateDict dict;
  for (const auto& [name, value] : mgca::state_dict(model)) {
    if (const auto theirs = mgca::dialect(dialect).map.to_theirs(name).name) dict.push_back({*theirs, value});
  }
  change(dict);
  mgca::write_weights(scratch / "file.safetensors", {dict, metadata});
  return mgca::io::WeightFile::open(scratch / "file.safetensors");
}

// Whether exactly the tensors whose names begin with `prefix` equal the source's.
void check_taken(const mgca::AlignmentModel& model, const mgca::AlignmentModel& source, const std::map<std::string, Tensor>& before, const std::string& prefix) {
  const auto expected = copy_of(source);
  for (const auto& [name, value] : mgca::state_dict(model)) {
    INFO(name);
    if (name.ends_with(".position_ids")) continue;  // not every layout writes them, and they are always 0, 1, 2, ...
    CHECK(torch::equal(value, name.starts_with(prefix) ? expected.at(name) : before.at(name)));
  }
}

std::shared_ptr<mgca::AlignmentModel> other_model(const std::string& name, std::vector<std::string> more = {}) {
  auto model = small_model(name, std::move(more));
  const torch::NoGradGuard no_grad;
  torch::manual_seed(77);
  for (auto& [key, value] : mgca::state_dict(*model)) {
    if (value.is_floating_point()) value.normal_();
    else value.fill_(3);
  }
  return model;
}

std::set<std::string> reasons(const mgca::StartReport& report) {
  std::set<std::string> all;
  for (const auto& one : report.left_out) all.insert(one.reason);
  return all;
}

}  // namespace

TEST_CASE("start_weights: a published checkpoint fills its model in the official profile, the unused cross-attention is left out and said so", "[catalog][fast]") {
  const Scratch scratch;
  const auto source = other_model("mgca-vit-tiny", {"text.cross_attention=true", "profile=official"});
  const auto file = file_of(scratch, *source, "mgca-lightning", [](StateDict& d) { d.push_back({"optimizer_states.0.state.0.exp_avg", torch::zeros({2})}); });
  const auto weights = mgca::our_weights(file);
  CHECK(mgca::required_overrides(weights, WeightPart::model, mgca::Profile::fixed) == std::vector<std::string>{"profile=official"});
  const auto model = small_model("mgca-vit-tiny", {"profile=official"});
  const auto report = load_start_weights(*model, file);
  CHECK(report.dialect == "mgca-lightning");
  CHECK(report.at_random.empty());
  CHECK(report.loaded.size() == mgca::state_dict(*model).size());
  CHECK(reasons(report) == std::set<std::string>{"cross-attention that the published MGCA files hold and never run", "state of a training run, no weights"});
  check_taken(*model, *source, {}, "");

  const auto repaired = small_model("mgca-vit-tiny");
  const auto before = copy_of(*repaired);
  mgca::test::expect_error([&] { load_start_weights(*repaired, file); }, {"file.safetensors", "trained with profile official", "built with fixed", "profile=official"});
  CHECK(unchanged(*repaired, before));
  load_start_weights(*repaired, file, {.part = WeightPart::image});  // the image tower means the same in both
}

TEST_CASE("start_weights: one tower takes a foreign trunk, its heads and the other tower stay, and everything at random is listed", "[catalog][fast]") {
  const Scratch scratch;
  struct Case {
    std::string model, dialect;
    WeightPart part;
    std::string prefix;
  };
  for (const auto& c : {Case{"mgca-vit-tiny", "timm-vit", WeightPart::image, "img_encoder_q.model."}, {"mgca-resnet-small", "torchvision-resnet", WeightPart::image, "img_encoder_q.model."},
                        {"mgca-resnet-small", "moco", WeightPart::image, "img_encoder_q.model."}, {"mgca-densenet121", "torchvision-densenet", WeightPart::image, "img_encoder_q.model."}, {"mgca-vit-tiny", "hf-bert", WeightPart::text, "text_encoder_q.model."}}) {
    INFO(c.dialect);
    const auto source = other_model(c.model), model = small_model(c.model);
    const auto before = copy_of(*model);
    const auto report = load_start_weights(*model, file_of(scratch, *source, c.dialect), {.part = c.part});
    check_taken(*model, *source, before, c.prefix);
    CHECK(report.dialect == c.dialect);
    std::set<std::string> random(report.at_random.begin(), report.at_random.end());
    const std::string head = (c.part == WeightPart::image ? "img_encoder_q" : "text_encoder_q") + std::string(".global_embed.head.0.weight");
    CHECK(random.contains(head));
    for (const auto& name : random) CHECK((name.find("_embed.head.") != std::string::npos && name.find("running") == std::string::npos));
    mgca::test::expect_error([&] { load_start_weights(*model, file_of(scratch, *source, c.dialect), {.part = c.part == WeightPart::image ? WeightPart::text : WeightPart::image}); },
                             {"holds no weights of the", "tower", c.dialect});
  }
}

TEST_CASE("start_weights: BERT in its old spelling, deeper than the model, with pooler and token types, with and without position ids", "[catalog][fast]") {
  const Scratch scratch;
  const auto source = other_model("mgca-vit-tiny", {"text.depth=4", "text.token_types=true"});
  const auto old_spelling = [](bool position_ids) {
    return [position_ids](StateDict& dict) {
      if (position_ids) dict.push_back({"embeddings.position_ids", torch::arange(20).unsqueeze(0)});
      for (auto& item : dict) {
        item.name = "bert." + item.name;
        if (item.name.ends_with("LayerNorm.weight")) item.name.replace(item.name.size() - 6, 6, "gamma");
        if (item.name.ends_with("LayerNorm.bias")) item.name.replace(item.name.size() - 4, 4, "beta");
      }
      dict.push_back({"bert.pooler.dense.weight", torch::zeros({2})});
      dict.push_back({"cls.predictions.bias", torch::zeros({2})});
    };
  };
  for (const bool position_ids : {true, false}) {
    const auto file = file_of(scratch, *source, "hf-bert", old_spelling(position_ids));
    const auto fixed = mgca::required_overrides(mgca::our_weights(file), WeightPart::text, mgca::Profile::fixed);
    CHECK(fixed == std::vector<std::string>{"text.token_types=true"});
    CHECK(mgca::required_overrides(mgca::our_weights(file), WeightPart::text, mgca::Profile::official).empty());
    for (const bool token_types : {true, false}) {
      const auto model = small_model("mgca-vit-tiny", {token_types ? "text.token_types=true" : "profile=official"});
      const auto report = load_start_weights(*model, file, {.part = WeightPart::text});
      const auto here = copy_of(*model), there = copy_of(*source);
      for (const auto& [name, value] : here) {
        INFO(name);
        if (name.starts_with("text_encoder_q.model.") && !name.ends_with("position_ids")) CHECK(torch::equal(value, there.at(name)));
      }
      CHECK(reasons(report).contains("a layer above the 2 of this model"));
      CHECK(reasons(report).contains("token types, which this model does not add (text.token_types=false)") == !token_types);
      CHECK(reasons(report).contains("a layer over the class token that no model here has"));
    }
  }
}

TEST_CASE("start_weights: everything that does not fit is listed at once with the nearest names, and nothing is changed", "[catalog][fast]") {
  const Scratch scratch;
  const auto source = other_model("mgca-vit-tiny", {"image.image_size=48"}), model = small_model("mgca-vit-tiny");
  const auto before = copy_of(*model);
  const auto file = file_of(scratch, *source, "timm-vit", [](StateDict& dict) {
    for (auto& item : dict) {
      if (item.name == "blocks.0.mlp.fc1.weight") item.name = "blocks.0.mlp.fc_1.weight";
      if (item.name == "norm.bias") item.value = torch::zeros({7});
    }
    std::erase_if(dict, [](const auto& item) { return item.name == "blocks.1.norm2.bias"; });
  });
  const auto load = [&] { load_start_weights(*model, file, {.part = WeightPart::image}); };
  mgca::test::expect_error(load, {"file.safetensors", "dialect timm-vit", "resample_positions", "missing: img_encoder_q.model.blocks.0.mlp.fc1.weight (nearest in the file: img_encoder_q.model.blocks.0.mlp.fc_1.weight)",
                                  "missing: img_encoder_q.model.blocks.1.norm2.bias", "unexpected: img_encoder_q.model.blocks.0.mlp.fc_1.weight",
                                  "shape of img_encoder_q.model.norm.bias: expected [24], found [7]", "shape of img_encoder_q.model.pos_embed: expected [1, 17, 24], found [1, 37, 24]"});
  CHECK(unchanged(*model, before));
}

TEST_CASE("start_weights: a position table for another grid is resampled on request alone", "[catalog][fast]") {
  const Scratch scratch;
  const auto source = other_model("mgca-vit-tiny", {"image.image_size=48"}), model = small_model("mgca-vit-tiny");
  const auto file = file_of(scratch, *source, "timm-vit");
  const auto report = load_start_weights(*model, file, {.part = WeightPart::image, .resample_positions = true});
  CHECK(report.resampled);
  CHECK(torch::equal(copy_of(*model).at("img_encoder_q.model.pos_embed"), mgca::ops::resample_positions(copy_of(*source).at("img_encoder_q.model.pos_embed"), 16)));
  CHECK_FALSE(load_start_weights(*source, file, {.part = WeightPart::image, .resample_positions = true}).resampled);
}

TEST_CASE("start_weights: a tower in our own names may come without its heads, a whole model may not", "[catalog][fast]") {
  const Scratch scratch;
  const auto source = other_model("mgca-vit-tiny"), model = small_model("mgca-vit-tiny");
  const auto before = copy_of(*model);
  const auto file = file_of(scratch, *source, "mgca", [](StateDict& dict) { std::erase_if(dict, [](const auto& item) { return !item.name.starts_with("img_encoder_q.model."); }); });
  mgca::test::expect_error([&] { load_start_weights(*model, file); }, {"missing: img_encoder_q.global_embed.head.0.weight", "missing: prototype_layer.weight"});
  CHECK(unchanged(*model, before));
  CHECK_FALSE(load_start_weights(*model, file, {.part = WeightPart::image}).at_random.empty());
  check_taken(*model, *source, before, "img_encoder_q.model.");
}

TEST_CASE("start_weights: batches seen and position ids may be absent, and are not called random", "[catalog][fast]") {
  const Scratch scratch;
  const auto source = other_model("mgca-resnet-small"), model = small_model("mgca-resnet-small");
  const auto file = file_of(scratch, *source, "mgca", [](StateDict& dict) {
    std::erase_if(dict, [](const auto& item) { return item.name.ends_with("num_batches_tracked") || item.name.ends_with("position_ids"); });
  });
  CHECK(load_start_weights(*model, file).at_random.empty());
}

TEST_CASE("start_weights: what the weights were trained with is told by the dialect, the metadata, or the unused blocks", "[catalog][fast]") {
  const Scratch scratch;
  const auto profile = [&](const mgca::io::WeightFile& file) { return mgca::our_weights(file).profile; };
  const auto plain = small_model("mgca-vit-tiny"), published = small_model("mgca-vit-tiny", {"text.cross_attention=true"});
  const std::map<std::string, std::string> fixed{{mgca::Preprocessing::kKey, mgca::to_json_text(mgca::Preprocessing{.profile = mgca::Profile::fixed}, -1)}};
  const auto nothing = [](StateDict&) {};
  CHECK(profile(file_of(scratch, *plain, "mgca-lightning")) == mgca::Profile::official);
  CHECK(profile(file_of(scratch, *plain, "mgca")) == std::nullopt);
  CHECK(profile(file_of(scratch, *published, "mgca")) == mgca::Profile::official);
  CHECK(profile(file_of(scratch, *published, "mgca", nothing, fixed)) == mgca::Profile::fixed);
}

TEST_CASE("start_weights: the model a file belongs to is the one it names, else the one its shapes tell", "[catalog][fast]") {
  const Scratch scratch;
  const auto model = small_model("mgca-vit-tiny");
  const auto found = [&](const std::map<std::string, std::string>& metadata) {
    const auto file = file_of(scratch, *model, "mgca", [](StateDict&) {}, metadata);
    return mgca::model_of(file, mgca::our_weights(file));
  };
  const mgca::ModelChoice named{.name = "mgca-vit-tiny", .overrides = {"image.depth=2"}, .seed = 7};
  CHECK(mgca::differences(found({{"model", mgca::to_json_text(named, -1)}}), named).empty());
  const auto told = found({{"model", "vit"}});  // another program's word for it
  CHECK(told.name == "mgca-vit-b16");
  CHECK(std::find(told.overrides.begin(), told.overrides.end(), "image.width=" + std::to_string(model->image_width())) != told.overrides.end());
  mgca::test::expect_error([&] { (void)found({{"model", "{\"nam\": 1}"}}); }, {"metadata 'model'", "nam"});
}

TEST_CASE("start_weights: a checkpoint of the reference and a DeiT file, as Python wrote them, fill a model built from what they tell", "[catalog][golden][fast]") {
  const auto folder = mgca::test::golden_dir() / "io_tiny";
  const auto file = mgca::io::WeightFile::open(folder / "lightning.ckpt");
  const auto weights = mgca::our_weights(file);
  auto choice = mgca::model_of(file, weights);
  choice.overrides.insert(choice.overrides.end(), {"image.heads=2", "text.heads=2", "text.length=16"});
  const auto model = mgca::Catalog::standard().create(choice);
  CHECK(model->profile() == mgca::Profile::official);
  const auto report = load_start_weights(*model, file);
  CHECK(report.dialect == "mgca-lightning");
  CHECK(report.at_random.empty());
  std::map<std::string, Tensor> expected;
  for (const auto& [name, value] : mgca::read_weights(folder / "weights.safetensors").tensors) expected.emplace(name, value);
  for (const auto& [name, value] : mgca::state_dict(*model)) {
    INFO(name);
    CHECK(torch::equal(value, expected.at(name)));
  }
  const auto deit = load_start_weights(*model, mgca::io::WeightFile::open(folder / "deit_style.pth"), {.part = WeightPart::image});
  CHECK(deit.dialect == "timm-vit");
  CHECK(deit.loaded.size() == 30);
}

// Named protocols: the complete recipe of a published comparison, by task, data set and part of the training split.
// Sources: MGCA (Wang et al. 2022), its text with the supplement (`mgca-paper`) and its released code with the scripts that call it
// (`mgca-scripts`), which differ; G2D (Liu et al. 2024), which tells MGCA's protocol again (`g2d`); the prompts of GLoRIA (Huang et al.
// 2021) and CheXzero (Tiu et al. 2022). What a source does not tell is the library's default, and the recipe's note says so.
#pragma once

#include <mgca/catalog/protocol.hpp>
#include <mgca/core/nearest.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace mgca {

enum class ProtocolTask : std::uint8_t { classify, detect, segment, zeroshot };
constexpr auto names_of(ProtocolTask) { return std::to_array<std::string_view>({"classify", "detect", "segment", "zeroshot"}); }

enum class ProtocolSource : std::uint8_t { paper, scripts, third_party };
constexpr auto names_of(ProtocolSource) { return std::to_array<std::string_view>({"paper", "scripts", "third_party"}); }

enum class TowerFamily : std::uint8_t { any, resnet, vit };
constexpr auto names_of(TowerFamily) { return std::to_array<std::string_view>({"any", "resnet", "vit"}); }

struct ProtocolOrigin {
  std::string name;
  ProtocolTask task = ProtocolTask::classify;
  ProtocolSource source = ProtocolSource::paper;
  TowerFamily tower = TowerFamily::any;
  std::vector<std::string> models;  // of the catalogue, whose image tower was used
  std::string metric;               // that was published, as results call it
  std::string note;

  static void describe(auto& self, auto&& field) {
    field("name", self.name, "of the protocol");
    field("task", self.task, "what is done");
    field("source", self.source, "where the values were read");
    field("tower", self.tower, "family of image towers it is for");
    field("models", self.models, "models whose image tower was used");
    field("metric", self.metric, "what was published, as results call it");
    field("note", self.note, "what to know about it");
  }
};

template <class Recipe>
struct NamedProtocol {
  ProtocolOrigin origin;
  Recipe recipe;

  static void describe(auto& self, auto&& field) {
    field("origin", self.origin, "which protocol it is");
    field("recipe", self.recipe, "how it is done");
  }
};

using AnyProtocol = std::variant<NamedProtocol<ClassifyProtocol>, NamedProtocol<DetectProtocol>, NamedProtocol<SegmentProtocol>,
                                 NamedProtocol<ZeroShotProtocol>>;

// Which protocol is asked for. Nothing is trained for zero-shot classification: percent does not matter there.
struct ProtocolKey {
  std::string name;
  ProtocolTask task = ProtocolTask::classify;
  std::string data_set;
  int percent = 100;
  TowerFamily tower = TowerFamily::any;
};

namespace detail {

struct ProtocolData {
  const char* set;
  bool leaks;                        // the released code has some
  std::vector<std::string> choices;

  [[nodiscard]] DataRecipe by(DataProtocol whose) const {
    DataRecipe data{.set = set, .choices = choices};
    data.prepare.protocol = whose;
    if (whose == DataProtocol::paper) return data;
    data.prepare.subsets = Subsets::as_published;
    if (leaks) data.prepare.leaks = Leaks::as_published;
    return data;
  }
};

inline void add_classify(std::vector<AnyProtocol>& all, int percent) {
  for (const auto whose : {DataProtocol::paper, DataProtocol::code}) {
    for (const auto& data : {ProtocolData{"chexpert", true, {}}, ProtocolData{"rsna", false, {}}, ProtocolData{"covidx", false, {}}}) {
      const std::string_view set = data.set;
      const bool paper = whose == DataProtocol::paper, chexpert = set == "chexpert", covidx = set == "covidx";
      ClassifyProtocol r{.data = data.by(whose),
                         .training = {.epochs = 50, .batch_size = paper && chexpert && percent == 100 ? 96 : 48, .rate = 5e-4, .weight_decay = 1e-6,
                                      .patience = 10, .seed = 42, .labels = covidx ? LabelKind::exclusive : LabelKind::independent},
                         .pictures = {.stored_side = 256,
                                      .augmentation = !paper && chexpert ? augmentations::moco2_transform() : augmentations::data_transforms()},
                         .percent = percent};
      r.settle();
      std::string note = paper ? "how 1 and 10 % are drawn is not told: whole patients here" : "one random crop, no other augmentation";
      if (chexpert) note = paper ? "random crop alone; batches of 96 at 100 %; how 1 and 10 % are drawn is not told: whole patients here"
                                 : "augmented as MoCo v2; nearly all validation rows are in train, too";
      if (covidx) note += "; the list of pictures used is not certain";
      all.emplace_back(NamedProtocol<ClassifyProtocol>{.origin = {.name = paper ? "mgca-paper" : "mgca-scripts", .task = ProtocolTask::classify,
                                                                  .source = paper ? ProtocolSource::paper : ProtocolSource::scripts,
                                                                  .models = {"mgca-vit-b16", "mgca-resnet50"},
                                                                  .metric = covidx ? "accuracy" : "auroc", .note = note},
                                                       .recipe = std::move(r)});
    }
  }
}

inline void add_detect(std::vector<AnyProtocol>& all, int percent) {
  for (const auto source : {ProtocolSource::paper, ProtocolSource::scripts, ProtocolSource::third_party}) {
    for (const auto& data : {ProtocolData{"rsna", false, {"task=detection"}}, ProtocolData{"object-cxr", false, {}}}) {
      const bool paper = source == ProtocolSource::paper, one = percent == 1;
      DetectProtocol r{.data = data.by(paper ? DataProtocol::paper : DataProtocol::code), .pictures = {.side = 224}, .percent = percent};
      r.training = paper ? DetectConfig{.tower = TowerUse::frozen, .monitor = DetectMonitor::loss} : published_detection();
      r.training.find = {.confidence = 0.5, .suppression = 0.5, .pixel = 1};
      r.training.epochs = 50;
      r.training.batch_size = one ? 8 : 16;
      r.training.rate = paper || !one ? 5e-4 : std::string_view(data.set) == "rsna" ? 2e-4 : 2.5e-4;
      r.training.weight_decay = 1e-6;
      r.training.schedule = ScheduleKind::constant, r.training.patience = 10;
      r.training.seed = 42;
      r.settle();
      const char* note = paper ? "batches as in the scripts; what the norms of the frozen tower do is not told: they stay"
                               : "norms of the frozen tower drift; the best epoch is chosen by images with a box found and a true one alone";
      all.emplace_back(NamedProtocol<DetectProtocol>{
          .origin = {.name = paper ? "mgca-paper" : source == ProtocolSource::scripts ? "mgca-scripts" : "g2d",
                     .task = ProtocolTask::detect, .source = source, .tower = TowerFamily::resnet, .models = {"mgca-resnet50"},
                     .metric = paper ? "mAP_40_75" : "published_mAP_40_75", .note = note},
          .recipe = std::move(r)});
    }
  }
}

inline void add_segment(std::vector<AnyProtocol>& all, int percent) {
  for (const auto source : {ProtocolSource::paper, ProtocolSource::scripts, ProtocolSource::third_party}) {
    for (const auto& data : {ProtocolData{"siim", true, {}}, ProtocolData{"rsna", false, {"task=detection"}}}) {
      for (const auto tower : {TowerFamily::resnet, TowerFamily::vit}) {
        const bool paper = source == ProtocolSource::paper, scripts = source == ProtocolSource::scripts, resnet = tower == TowerFamily::resnet,
                   siim = std::string_view(data.set) == "siim";
        if (!paper && !scripts && !resnet) continue;
        SegmentProtocol r{.data = data.by(paper ? DataProtocol::paper : DataProtocol::code), .percent = percent};
        r.pictures = {.side = paper && resnet ? 512 : 224, .origin = siim ? MaskOrigin::mask : MaskOrigin::boxes,
                      .augmentation = augmentations::shift_scale_rotate(), .profile = scripts ? Profile::official : Profile::fixed};
        r.training = {.tower = scripts && resnet ? TowerUse::frozen_drifting : TowerUse::frozen,
                      .loss = {.focal_weight = 10, .gamma = 2, .dice = paper ? ops::DiceTerm::one_minus : ops::DiceTerm::negative_log},
                      .epochs = 50, .batch_size = siim || paper ? 8 : 16, .rate = paper || scripts ? 5e-4 : 2e-4, .weight_decay = paper ? 1e-6 : 0.05,
                      .schedule = ScheduleKind::constant, .patience = 10, .seed = scripts && siim && percent == 10 ? 0U : 42U};
        r.settle();
        std::string note = paper     ? "pictures are also shifted, by how much is not told: not here"
                           : scripts ? "pictures are turned at their own size, masks at 224"
                                     : "only rate, decay and batch are told; the rest is this library's default";
        if (paper && resnet) note += "; that the tower is frozen is told of the ViT alone";
        if (paper && !siim) note += "; the batch is not told";
        all.emplace_back(NamedProtocol<SegmentProtocol>{
            .origin = {.name = paper ? "mgca-paper" : scripts ? "mgca-scripts" : "g2d", .task = ProtocolTask::segment, .source = source, .tower = tower,
                       .models = {resnet ? "mgca-resnet50" : "mgca-vit-b16"}, .metric = scripts ? "dice_over_batches" : "dice", .note = std::move(note)},
            .recipe = std::move(r)});
      }
    }
  }
}

inline void add_zeroshot(std::vector<AnyProtocol>& all) {
  const auto add = [&](const char* name, const char* metric, const char* note, ZeroShotProtocol recipe) {
    recipe.settle();
    all.emplace_back(NamedProtocol<ZeroShotProtocol>{
        .origin = {.name = name, .task = ProtocolTask::zeroshot, .source = ProtocolSource::third_party, .models = {}, .metric = metric, .note = note},
        .recipe = std::move(recipe)});
  };
  add("gloria", "accuracy", "5 prompts a class, drawn by this library; words count by their mean",
      {.data = {.set = "chexpert"}, .prompts = PromptSource::gloria, .each = 5,
       .similarity = {.ensemble = PromptEnsemble::highest, .similarity = PromptSimilarity::global_and_local}, .labels = LabelKind::exclusive,
       .split = "5x200"});
  add("chexzero", "auroc", "one pair of prompts a finding, for any data set; the rule for thresholds is not told: the largest F1 on the split valid",
      {.prompts = PromptSource::negation, .similarity = {.ensemble = PromptEnsemble::mean, .similarity = PromptSimilarity::global}});
}

// What remains of a list where one thing is asked for; the values there were, for the message, if nothing remains.
template <class Keep, class Value>
std::vector<std::string> keep_protocols(std::vector<AnyProtocol>& all, Keep&& keep, Value&& value) {
  std::vector<std::string> known;
  for (const auto& one : all) {
    if (auto text = std::visit(value, one); std::find(known.begin(), known.end(), text) == known.end()) known.push_back(std::move(text));
  }
  std::erase_if(all, [&](const AnyProtocol& one) { return !std::visit(keep, one); });
  return known;
}

// 0: nothing is trained.
[[nodiscard]] inline int percent_of(const auto& recipe) {
  if constexpr (requires { recipe.percent; }) return recipe.percent;
  else return 0;
}

}  // namespace detail

[[nodiscard]] inline const ProtocolOrigin& origin_of(const AnyProtocol& protocol) {
  return std::visit([](const auto& one) -> const ProtocolOrigin& { return one.origin; }, protocol);
}

// All there are.
[[nodiscard]] inline std::vector<AnyProtocol> protocols() {
  std::vector<AnyProtocol> all;
  for (const int percent : {1, 10, 100}) detail::add_classify(all, percent);
  for (const int percent : {1, 10, 100}) detail::add_detect(all, percent);
  for (const int percent : {1, 10, 100}) detail::add_segment(all, percent);
  detail::add_zeroshot(all);
  return all;
}

// The one that is asked for. Throws Error(config) with the nearest names, and where recipes differ between families of towers and none is
// said.
[[nodiscard]] inline AnyProtocol find_protocol(const ProtocolKey& key) {
  auto all = protocols();
  const auto require = [&](const char* what, const std::string& wanted, auto&& value, auto&& fits) {
    const auto known = detail::keep_protocols(all, [&](const auto& one) { return fits(value(one)); }, value);
    if (all.empty()) fail(ErrorKind::config, "protocol '", key.name, "': no ", what, " '", wanted, "'", nearest_hint(wanted, known));
  };
  const auto equal = [](std::string wanted) { return [wanted = std::move(wanted)](const std::string& value) { return value == wanted; }; };
  const auto task = std::string(to_string(key.task)), percent = std::to_string(key.percent);
  require("protocol", key.name, [](const auto& one) { return one.origin.name; }, equal(key.name));
  require("recipe for the task", task, [](const auto& one) { return std::string(to_string(one.origin.task)); }, equal(task));
  require("recipe for the data set", key.data_set, [](const auto& one) { return one.recipe.data.set; },
          [&](const std::string& set) { return set.empty() || set == key.data_set; });
  require("recipe for the percentage", percent, [](const auto& one) { return std::to_string(detail::percent_of(one.recipe)); },
          [&](const std::string& value) { return value == "0" || value == percent; });
  const auto tower = std::string(to_string(key.tower));
  if (key.tower != TowerFamily::any) {
    require("recipe for the image tower", tower, [](const auto& one) { return std::string(to_string(one.origin.tower)); },
            [&](const std::string& value) { return value == "any" || value == tower; });
  }
  if (all.size() > 1) fail(ErrorKind::config, "protocol '", key.name, "': recipes for a ResNet and for a ViT differ; say which: resnet or vit");
  return all.front();
}

// The same with the type of its recipe, which tells the task.
template <class Recipe>
[[nodiscard]] NamedProtocol<Recipe> find_protocol(ProtocolKey key) {
  key.task = static_cast<ProtocolTask>(AnyProtocol(NamedProtocol<Recipe>{}).index());
  return std::get<NamedProtocol<Recipe>>(find_protocol(key));
}

}  // namespace mgca

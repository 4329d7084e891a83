// The layouts in which published weights come, as rules between their tensor names and ours. Needs no libtorch.
// Our names are those of the published MGCA checkpoints without the `state_dict.` before them.
// Sources of the names: MGCA (HKU-MedAI), timm and DeiT, torchvision, Hugging Face transformers, GLoRIA (marshuang80/gloria),
// MoCo (facebookresearch/moco), lightning-bolts 0.5.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/nearest.hpp>
#include <mgca/core/profile.hpp>
#include <mgca/io/key_map.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

struct Dialect {
  std::string name;
  std::string summary;
  std::vector<std::string> signs;  // names in standard spelling; what ends with a dot is the beginning of one
  io::KeyMap map;
  std::optional<Profile> profile = std::nullopt;  // the behaviour its weights were trained with, where there is only one
  bool one_sign_suffices = false;                 // files with a part of the model are in this layout, too
  std::vector<std::string> pointwise = {};        // our names of matrices that are 1 x 1 convolutions there

  // The sides of one of our tensors in a file of this layout, and back; its numbers lie in the same order.
  [[nodiscard]] std::vector<std::int64_t> sides_there(std::string_view ours, std::vector<std::int64_t> sides) const {
    if (is_pointwise(ours)) sides.insert(sides.end(), {1, 1});
    return sides;
  }
  [[nodiscard]] std::vector<std::int64_t> sides_here(std::string_view ours, std::vector<std::int64_t> sides) const {
    if (is_pointwise(ours) && sides.size() == 4 && sides[2] == 1 && sides[3] == 1) sides.resize(2);
    return sides;
  }

 private:
  [[nodiscard]] bool is_pointwise(std::string_view ours) const { return std::find(pointwise.begin(), pointwise.end(), ours) != pointwise.end(); }
};

namespace detail {

inline constexpr const char* kTrunkOfImage = "img_encoder_q.model.";
inline constexpr const char* kTrunkOfText = "text_encoder_q.model.";
inline constexpr const char* kTrainingState = "state of a training run, no weights";

inline std::vector<io::Omission> training_state(std::vector<io::Omission> others = {}) {
  for (const auto* part : {"optimizer_states.", "lr_schedulers.", "callbacks.", "loops.", "native_amp_scaling_state.", "hyper_parameters.", "optimizer."}) {
    others.push_back({part, kTrainingState});
  }
  return others;
}

// Files made by hand wrap the names in these.
inline std::vector<io::Spelling> unwrapped(std::vector<io::Spelling> others = {}) {
  using enum io::NameEnd;
  others.insert(others.begin(), {{front, "state_dict.", ""}, {front, "model.", ""}, {front, "module.", ""}});
  return others;
}

// The names old files of torchvision's DenseNets have: norm.1 for norm1, conv.2 for conv2.
inline std::vector<io::Spelling> with_dotted_numbers(std::vector<io::Spelling> others) {
  for (const auto* number : {"1", "2"}) {
    for (const auto* end : {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}) {
      others.push_back({io::NameEnd::back, std::string(".norm.") + number + "." + end, std::string(".norm") + number + "." + end});
    }
    others.push_back({io::NameEnd::back, std::string(".conv.") + number + ".weight", std::string(".conv") + number + ".weight"});
  }
  return others;
}

}  // namespace detail

// Every layout the library reads and writes.
[[nodiscard]] inline const std::vector<Dialect>& dialects() {
  using enum io::NameEnd;
  const std::string image = detail::kTrunkOfImage, text = detail::kTrunkOfText, regions = "img_encoder_q.local_embed.weight";
  const std::string classifier = "a classifier over the classes it was trained on";
  const std::string projection = "a projection of another form than the heads here";
  const std::string training = detail::kTrainingState, pooler = "a layer over the class token that no model here has", queue = "the queue of negatives";
  const std::string unused = "cross-attention that the published MGCA files hold and never run";
  static const std::vector<Dialect> all{
      {"mgca", "this library's models", {"img_encoder_q.", "text_encoder_q."}, {{}, {{"", ""}}, {}, {}}, std::nullopt, true},
      {"mgca-checkpoint", "a checkpoint of this library's training loop",
       {"model/img_encoder_q.", "model/text_encoder_q."},
       {{}, {{"model/", ""}}, {{"optimizer/", training}, {"meter/", training}, {"random/", training}}, {}}, std::nullopt, true},
      {"mgca-lightning", "the published MGCA checkpoints",
       {"state_dict.img_encoder_q.", "state_dict.text_encoder_q."},
       {{}, {{"state_dict.", ""}}, detail::training_state(), {}}, Profile::official, true},
      {"convirt-lightning", "ConVIRT checkpoints of the MGCA code",
       {"state_dict.img_encoder.", "state_dict.text_encoder."},
       {{}, {{"state_dict.img_encoder.", "img_encoder_q."}, {"state_dict.text_encoder.", "text_encoder_q."}}, detail::training_state(), {}}, Profile::official, true},
      {"timm-vit", "vision transformers of timm and DeiT", {"cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.attn.qkv.weight"},
       {detail::unwrapped(), {{"", image}},
        detail::training_state({{"head.", classifier}, {"head_dist.", classifier}, {"pre_logits.", "a layer before the classifier"}}), {}}},
      {"torchvision-resnet", "residual networks of torchvision", {"conv1.weight", "bn1.running_mean", "layer1.0.conv1.weight", "layer4.0.conv1.weight"},
       {detail::unwrapped(), {{"", image}}, detail::training_state({{"fc.", classifier}}), {}}},
      {"torchvision-densenet", "DenseNets of torchvision, CheXNet among them", {"features.conv0.weight", "features.denseblock1.denselayer1.conv1.weight", "features.norm5.weight"},
       {detail::with_dotted_numbers(detail::unwrapped({{front, "densenet121.", ""}})), {{"features.", image + "features."}},
        detail::training_state({{"classifier.", classifier}}), {}}},
      {"hf-bert", "BERT of Hugging Face transformers, Bio_ClinicalBERT among them",
       {"embeddings.word_embeddings.weight", "encoder.layer.0.attention.self.query.weight"},
       {detail::unwrapped({{front, "bert.", ""}, {back, ".gamma", ".weight"}, {back, ".beta", ".bias"}}),
        {{"embeddings.", text + "embeddings."}, {"encoder.", text + "encoder."}},
        detail::training_state({{"pooler.", pooler}, {"cls.", "a classifier over the vocabulary"}, {"classifier.", classifier}}),
        {{".crossattention.", unused}, {".position_ids", "0, 1, 2, ..., which transformers makes itself"}}}},
      {"gloria", "GLoRIA checkpoints",
       {"gloria.img_encoder.model.conv1.weight", "gloria.text_encoder.model.embeddings.word_embeddings.weight"},
       {{{front, "state_dict.", ""}},
        {{"gloria.img_encoder.model.", image}, {"gloria.text_encoder.model.", text},
         {"gloria.img_encoder.global_embedder.weight", "img_encoder_q.global_embed.weight"},
         {"gloria.img_encoder.global_embedder.bias", "img_encoder_q.global_embed.bias"}, {"gloria.img_encoder.local_embedder.weight", regions}},
        detail::training_state({{"gloria.img_encoder.model.fc.", classifier}, {"gloria.text_encoder.emb_", projection}, {"gloria.text_encoder.model.pooler.", pooler}}),
        {{".crossattention.", unused}}}, std::nullopt, false, {regions}},
      {"moco", "MoCo v1 and v2 of facebookresearch", {"module.encoder_q.conv1.weight", "module.encoder_q.layer4.0.conv1.weight"},
       {{{front, "state_dict.", ""}}, {{"module.encoder_q.", image}},
        detail::training_state({{"module.encoder_q.fc.", projection}, {"module.encoder_k.", "the slow copy of the encoder"}, {"module.queue", queue}}), {}}},
      {"moco-bolts", "MoCo v2 of lightning-bolts", {"encoder_q.conv1.weight", "encoder_q.layer4.0.conv1.weight"},
       {{{front, "state_dict.", ""}}, {{"encoder_q.", image}},
        detail::training_state({{"encoder_q.fc.", projection}, {"encoder_k.", "the slow copy of the encoder"}, {"queue", queue}, {"val_queue", queue}}), {}}},
  };
  return all;
}

[[nodiscard]] inline std::vector<std::string> dialect_names() {
  std::vector<std::string> names;
  for (const auto& one : dialects()) names.push_back(one.name);
  return names;
}

// Throws Error(argument) with the nearest names.
[[nodiscard]] inline const Dialect& dialect(const std::string& name) {
  for (const auto& one : dialects()) {
    if (one.name == name) return one;
  }
  fail(ErrorKind::argument, "no weight dialect '", name, "'", nearest_hint(name, dialect_names()));
}

namespace detail {
// The sign a file with these names in standard spelling lacks; empty where it has enough.
inline std::string missing_sign(const Dialect& dialect, const std::vector<std::string>& standard) {
  std::string missing;
  for (const auto& sign : dialect.signs) {
    const bool there = std::any_of(standard.begin(), standard.end(), [&](const auto& name) { return sign.ends_with('.') ? name.starts_with(sign) : name == sign; });
    if (there && dialect.one_sign_suffices) return "";
    if (!there && missing.empty()) missing = sign;
  }
  return missing;
}
}  // namespace detail

// Whether the names are those of a file in this layout.
[[nodiscard]] inline bool fits(const Dialect& dialect, const std::vector<std::string>& names) {
  std::vector<std::string> standard;
  for (const auto& name : names) standard.push_back(dialect.map.standard(name));
  return detail::missing_sign(dialect, standard).empty();
}

// The layouts whose signs the names bear.
[[nodiscard]] inline std::vector<std::string> fitting_dialects(const std::vector<std::string>& names) {
  std::vector<std::string> found;
  for (const auto& one : dialects()) {
    if (fits(one, names)) found.push_back(one.name);
  }
  return found;
}

// The layout of a file by its names. `source` names the file. Throws Error(data) where none or more than one fits.
[[nodiscard]] inline const Dialect& detect_dialect(const std::vector<std::string>& names, std::string_view source) {
  const auto found = fitting_dialects(names);
  if (found.size() == 1) return dialect(found[0]);
  if (found.size() > 1) {
    std::string list;
    for (const auto& name : found) list += (list.empty() ? "" : " and ") + name;
    fail(ErrorKind::data, source, ": the names of its tensors fit more than one dialect: ", list, "; say which one is meant");
  }
  std::string known, first;
  for (const auto& name : dialect_names()) known += (known.empty() ? "" : ", ") + name;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, names.size()); ++i) first += (i == 0 ? "" : ", ") + names[i];
  fail(ErrorKind::data, source, ": the names of its ", names.size(), " tensors (", first, names.size() > 3 ? ", ..." : "", ") fit none of the dialects ", known,
       "; say which one is meant, or rename the tensors");
}

// What becomes of the tensors of a file in another layout.
struct Translation {
  struct Kept {
    std::size_t index;  // in the list of names given
    std::string name;   // in the new layout
  };
  struct LeftOut {
    std::string name;  // as it was given
    std::string reason;
  };
  std::vector<Kept> kept;
  std::vector<LeftOut> left_out;
};

namespace detail {
inline void require_distinct(const Translation& translation, const std::vector<std::string>& names, std::string_view source) {
  std::map<std::string_view, std::size_t> seen;
  for (const auto& one : translation.kept) {
    const auto [it, first] = seen.emplace(one.name, one.index);
    if (!first) {
      fail(ErrorKind::data, source, ": '", names[it->second], "' and '", names[one.index], "' are both ", one.name, " here; the file holds two models");
    }
  }
}
}  // namespace detail

// From a layout to ours. Throws Error(data) where two tensors would have one name.
[[nodiscard]] inline Translation translate(const std::vector<std::string>& names, const Dialect& from, std::string_view source) {
  Translation out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto reading = from.map.to_ours(names[i]);
    if (reading.name) out.kept.push_back({i, std::move(*reading.name)});
    else out.left_out.push_back({names[i], reading.omitted.empty() ? "no tensor of the dialect " + from.name : std::move(reading.omitted)});
  }
  detail::require_distinct(out, names, source);
  return out;
}

// From one layout to another. Throws Error(data) where the tensors do not make a file of that layout.
[[nodiscard]] inline Translation translate(const std::vector<std::string>& names, const Dialect& from, const Dialect& to, std::string_view source) {
  auto ours = translate(names, from, source);
  Translation out{.kept = {}, .left_out = std::move(ours.left_out)};
  std::vector<std::string> made;
  for (auto& one : ours.kept) {
    auto theirs = to.map.to_theirs(one.name);
    if (!theirs.name) {
      out.left_out.push_back({names[one.index], theirs.omitted.empty() ? "no place in the dialect " + to.name : std::move(theirs.omitted)});
      continue;
    }
    made.push_back(*theirs.name);
    out.kept.push_back({one.index, std::move(*theirs.name)});
  }
  const auto lacking = detail::missing_sign(to, made);
  if (!lacking.empty()) fail(ErrorKind::data, source, ": these weights make no file of the dialect ", to.name, " (", to.summary, "): it would lack ", lacking);
  return out;
}

}  // namespace mgca

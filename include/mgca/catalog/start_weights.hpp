// Weights of any dialect into a model: whole checkpoints, or one tower's start weights as the paper uses them.
// What the file holds beyond the model is left out with a reason, what the model has beyond the file stays as it was built and
// is listed; everything else must fit, or nothing is changed.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/catalog/dialects.hpp>
#include <mgca/catalog/infer_model.hpp>
#include <mgca/core/config.hpp>
#include <mgca/core/enum.hpp>
#include <mgca/data/preprocessing.hpp>
#include <mgca/ops/position_table.hpp>
#include <mgca/tensor/weights_file.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgca {

enum class WeightPart : uint8_t { model, image, text };
constexpr auto names_of(WeightPart) { return std::to_array<std::string_view>({"model", "image", "text"}); }

struct StartOptions {
  WeightPart part = WeightPart::model;
  std::string dialect;              // empty: told by the names
  bool resample_positions = false;  // a ViT's position table for another grid is resampled
};

struct StartReport {
  std::string dialect;
  std::vector<std::string> loaded;              // tensors of the model
  std::vector<std::string> at_random;           // tensors of the part the file says nothing about: drawn when the model was built
  std::vector<Translation::LeftOut> left_out;   // tensors of the file
  bool resampled = false;
};

namespace detail {
inline bool is_cross_attention(std::string_view name) { return name.find(".crossattention.") != std::string_view::npos; }
}  // namespace detail

// A file's tensors under our names.
struct OurWeights {
  const Dialect* dialect;
  Translation translation;         // indices into file.tensors()
  std::optional<Profile> profile;  // the weights were trained with; absent: nothing tells

  [[nodiscard]] TensorShapes shapes(const io::WeightFile& file) const {
    TensorShapes all;
    for (const auto& one : translation.kept) all.emplace(one.name, dialect->sides_here(one.name, file.tensors()[one.index].shape));
    return all;
  }
};

// Throws Error(data) where no dialect or more than one fits, Error(argument) for a dialect that does not exist.
[[nodiscard]] inline OurWeights our_weights(const io::WeightFile& file, const std::string& dialect_name = "") {
  const auto source = file.path().string();
  std::vector<std::string> names;
  for (const auto& info : file.tensors()) names.push_back(info.name);
  const auto& from = dialect_name.empty() ? detect_dialect(names, source) : dialect(dialect_name);
  OurWeights out{&from, translate(names, from, source), from.profile};
  if (out.profile) return out;
  if (const auto trained = preprocessing_of(file.metadata(), source)) {
    out.profile = trained->profile;
  } else if (std::any_of(out.translation.kept.begin(), out.translation.kept.end(), [](const auto& one) { return detail::is_cross_attention(one.name); }) &&
             from.name == "mgca") {
    out.profile = Profile::official;  // a published checkpoint that somebody unwrapped
  }
  return out;
}

// The model a file's weights belong to: the one its metadata name under 'model', else what its shapes tell (infer_model). Throws
// Error(data) where neither tells one, Error(config) for metadata that hold something else than a choice.
[[nodiscard]] inline ModelChoice model_of(const io::WeightFile& file, const OurWeights& weights) {
  const auto source = file.path().string();
  const auto told = file.metadata().find("model");
  if (told != file.metadata().end() && told->second.starts_with("{")) return from_json_text<ModelChoice>(told->second, source + ": metadata 'model'");
  return infer_model(weights.shapes(file), weights.profile, source);
}

// What a model must be built with so that a file's text tower means in it what it meant in training: the profile of a published
// checkpoint, the token types of weights that have some.
[[nodiscard]] inline std::vector<std::string> required_overrides(const OurWeights& weights, WeightPart part, Profile profile) {
  if (part == WeightPart::image) return {};
  const auto trained = weights.profile;
  std::vector<std::string> overrides;
  if (trained) overrides.push_back("profile=" + std::string(to_string(*trained)));
  for (const auto& one : weights.translation.kept) {
    if (!one.name.ends_with("embeddings.token_type_embeddings.weight") || trained.value_or(profile) != Profile::fixed) continue;
    overrides.emplace_back("text.token_types=true");
  }
  return overrides;
}

namespace detail {

inline bool is_of(WeightPart part, std::string_view name) {
  return part == WeightPart::model || name.starts_with(part == WeightPart::image ? "img_encoder_q." : "text_encoder_q.");
}

inline bool is_trunk(std::string_view name) { return name.starts_with(kTrunkOfImage) || name.starts_with(kTrunkOfText); }

// Buffers that follow from the model itself: a file may lack them, and nothing is random about them.
inline bool is_derived(std::string_view name) { return name.ends_with(".num_batches_tracked") || name.ends_with(".position_ids"); }

// Parameters that a file may lack although its layout has names for them.
inline bool may_lack(std::string_view name) { return is_cross_attention(name) || name.find("_local_atten_layer.") != std::string_view::npos; }

// Why a tensor of the part has no place in this model, where that is no mistake; empty where it is one.
inline std::string surplus_reason(const std::string& name, const std::map<std::string, Tensor>& state) {
  if (is_cross_attention(name)) return "cross-attention that the published MGCA files hold and never run";
  if (name.ends_with("_embed.weight") || name.ends_with("_embed.bias")) return "a projection of one layer, which this model does not have";
  if (name.find(".token_type_embeddings.") != std::string::npos) return "token types, which this model does not add (text.token_types=false)";
  const std::string layers = "text_encoder_q.model.encoder.layer.";
  if (!name.starts_with(layers)) return "";
  const auto layer = std::strtoll(name.c_str() + layers.size(), nullptr, 10);
  int64_t depth = 0;
  while (state.contains(layers + std::to_string(depth) + ".attention.self.query.weight")) ++depth;
  return layer >= depth && depth > 0 ? "a layer above the " + std::to_string(depth) + " of this model" : "";
}

}  // namespace detail

// Throws Error(data) listing everything that does not fit, with the nearest names, and then the model is as it was; Error(config)
// where the model was built with another profile than the weights were trained with.
inline StartReport load_start_weights(AlignmentModel& model, const io::WeightFile& file, const StartOptions& options = {}) {
  const auto source = file.path().string();
  const auto weights = our_weights(file, options.dialect);
  const auto& dialect = *weights.dialect;
  StartReport report{.dialect = dialect.name, .left_out = weights.translation.left_out};
  std::map<std::string, Tensor> state;
  StateDict part;
  for (const auto& item : state_dict(model)) {
    state.emplace(item.name, item.value);
    if (detail::is_of(options.part, item.name)) part.push_back(item);
  }

  std::vector<OfferedTensor> offers;
  std::map<std::string_view, bool> offered_names;
  for (const auto& one : weights.translation.kept) {
    const auto& info = file.tensors()[one.index];
    const auto target = state.find(one.name);
    if (!detail::is_of(options.part, one.name)) {
      report.left_out.push_back({info.name, "not of the " + std::string(to_string(options.part)) + " tower"});
    } else if (auto reason = target == state.end() ? detail::surplus_reason(one.name, state) : ""; !reason.empty()) {
      report.left_out.push_back({info.name, std::move(reason)});
    } else {
      auto offer = offered(file, info);
      offer.name = one.name;
      if (auto sides = dialect.sides_here(one.name, offer.shape); sides != offer.shape) {
        offer.shape = std::move(sides);
        offer.read = [read = offer.read, shape = offer.shape] { return read().view(shape); };
      }
      if (options.resample_positions && one.name.ends_with(".pos_embed") && target != state.end() && target->second.sizes() != at::IntArrayRef(offer.shape)) {
        offer.read = [read = offer.read, patches = target->second.size(1) - 1] { return ops::resample_positions(read(), patches); };
        offer.shape[1] = target->second.size(1);
        report.resampled = true;
      }
      offers.push_back(std::move(offer));
    }
  }
  if (offers.empty()) {
    fail(ErrorKind::data, source, ": holds no weights of the ", to_string(options.part), options.part == WeightPart::model ? "" : " tower", " (dialect ",
         dialect.name, ": ", dialect.summary, ")");
  }
  if (weights.profile && options.part != WeightPart::image && *weights.profile != model.profile()) {
    fail(ErrorKind::config, source, ": these weights (", dialect.summary, ") were trained with profile ", to_string(*weights.profile),
         ", the model is built with ", to_string(model.profile()), "; build it with profile=", to_string(*weights.profile));
  }

  auto difference = compare(part, offers);
  std::vector<std::string> missing;
  for (auto& name : difference.missing) {
    if (detail::is_derived(name)) continue;
    const bool asked_for = options.part == WeightPart::model || detail::is_trunk(name);  // a tower may come without its heads
    const bool required = asked_for && dialect.map.to_theirs(name).name.has_value() && !detail::may_lack(name);
    if (required) missing.push_back(std::move(name));
    else if (!name.ends_with(".running_mean") && !name.ends_with(".running_var")) report.at_random.push_back(std::move(name));  // they begin at 0 and 1
  }
  difference.missing = std::move(missing);
  if (!difference.complete()) {
    std::string remedy;
    for (const auto& conflict : difference.reshaped) {
      if (conflict.name.ends_with(".pos_embed")) remedy += "; resample_positions makes a position table for another image_size";
      if (conflict.name.ends_with(".word_embeddings.weight")) remedy += "; the vocabulary must be the one the weights were trained with";
    }
    fail(ErrorKind::data, source, ": the weights (dialect ", dialect.name, ") do not fit the model; choose the matching configuration", remedy, difference.text());
  }
  (void)load_state_dict(model, offers, Completeness::optional);  // what is missing was found to be allowed
  for (const auto& offer : offers) report.loaded.push_back(offer.name);
  return report;
}

}  // namespace mgca

// What every model of an image tower and a text tower shares: the towers with their heads under the checkpoints' names, encoding,
// and what a model tells of itself. A model adds its configuration, its parameters and its losses.
#pragma once

#include <mgca/align/groups.hpp>
#include <mgca/align/model.hpp>
#include <mgca/align/negatives.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/profile.hpp>
#include <mgca/encoders/concepts.hpp>
#include <mgca/ops/contrast.hpp>
#include <mgca/ops/unit.hpp>
#include <mgca/tensor/handle.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mgca {

// In the place of a head: the trunk's own features are the embedding.
struct NoHead {};
// In the place of the head for patches or words: they are not embedded at all, and no parameters are made for them.
struct NoParts {};

namespace detail {

struct HeadWidths {
  int64_t hidden = 0;  // inside heads of more than one layer
  int64_t out = 0;     // of the shared space
};

enum class Parts : uint8_t { embedded, skipped };  // whether patches and words are needed beside the whole

template <class Head>
inline constexpr bool is_module = !std::is_same_v<Head, NoHead> && !std::is_same_v<Head, NoParts>;

// The fields that the configurations of two towers have in common, before the model's own.
void describe_towers(auto& self, auto&& field) {
  field("image", self.image, "image tower");
  field("text", self.text, "text tower");
  field("frozen_text", self.frozen_text, "the text trunk keeps its start weights; its heads learn");
  field("micro_group", self.micro_group, "losses in groups of so many samples, averaged; 0: the whole batch");
  field("negatives", self.negatives, "of several ranks: whose samples are compared; null: the profile's custom");
  field("profile", self.profile, "which behaviour");
}
void validate_towers(std::string_view name, const auto& config) {
  if constexpr (requires { config.image.validate(); }) config.image.validate();
  if constexpr (requires { config.text.validate(); }) config.text.validate();
  MGCA_CHECK(config.micro_group >= 0, name, ": micro_group must be the samples of a group, or 0 for the whole batch, got ", config.micro_group);
  MGCA_CHECK(config.micro_group == 0 || config.negatives != Negatives::gathered, name, ": groups of ", config.micro_group,
             " samples meet no others, and negatives are to be gathered; leave out micro_group or negatives");
}

// A trunk with its two heads, under the names of the checkpoints: model, global_embed, local_embed.
template <class Trunk, class Global, class Local>
struct TowerImpl : torch::nn::Module {
  struct Config {
    typename Trunk::Config trunk;
    HeadWidths heads;
  };
  explicit TowerImpl(const Config& c)
      : model(register_module("model", Trunk(c.trunk))),
        global_embed(head<Global>("global_embed", model->global_width(), c.heads)),
        local_embed(head<Local>("local_embed", model->local_width(), c.heads)) {}

  // What the heads give. `counted`: the parts that enter the local head's statistics; undefined: all.
  Embeddings project(const Features& f, const Tensor& counted, Parts parts = Parts::embedded) {
    Embeddings out{.global = f.global, .attention = f.attention, .valid = f.valid, .features = f.global};
    if constexpr (is_module<Global>) out.global = global_embed(f.global);
    if (parts == Parts::skipped) return out;
    if constexpr (is_module<Local>) out.local = local_embed(f.local, counted);
    if constexpr (std::is_same_v<Local, NoHead>) out.local = f.local;
    return out;
  }

  Trunk model;
  [[no_unique_address]] Global global_embed;
  [[no_unique_address]] Local local_embed;

 private:
  template <class Head>
  Head head(const char* name, int64_t in, const HeadWidths& widths) {
    if constexpr (!is_module<Head>) return {};
    else if constexpr (requires(typename Head::Config c) { c.hidden; }) return register_module(name, Head({.in = in, .hidden = widths.hidden, .out = widths.out}));
    else return register_module(name, Head({.in = in, .out = widths.out}));
  }
};

}  // namespace detail

namespace align {

// What the heads give as unit rows.
[[nodiscard]] inline Embeddings unit(Embeddings e) {
  e.global = ops::unit(e.global);
  if (e.local.defined()) e.local = ops::unit(e.local);
  return e;
}

// How often images and reports find each other: acc1, acc5 in [0, 1], without gradient.
[[nodiscard]] inline std::vector<NamedTensor> pairing_metrics(const Tensor& logits) {
  return {{"acc1", ops::pairing_accuracy(logits, 1)}, {"acc5", ops::pairing_accuracy(logits, 5)}};
}

}  // namespace align

// A tower's trunk and the heads on it.
template <class TrunkHandle, class GlobalHead, class LocalHead>
struct TowerOf {
  using Trunk = TrunkHandle;
  using Module = Handle<detail::TowerImpl<TrunkHandle, GlobalHead, LocalHead>>;
};

// `ModelConfig` names at least image, text, frozen_text, micro_group, negatives and profile.
template <class ModelConfig, class ImageTower, class TextTower>
class TwoTowers : public AlignmentModel {
 public:
  using Config = ModelConfig;

  Embeddings encode_image(const Tensor& images) override { return align::unit(project_image(img_encoder_q->model(images))); }
  Embeddings encode_text(const Tokens& tokens) override { return align::unit(project_text(text_encoder_q->model(tokens))); }

  // What the heads make of a trunk's features, before it is normalised to unit rows.
  Embeddings project_image(const Features& features, detail::Parts parts = detail::Parts::embedded) {
    return img_encoder_q->project(features, {}, parts);
  }
  Embeddings project_text(const Features& features, detail::Parts parts = detail::Parts::embedded) {
    return text_encoder_q->project(features, alignment_quirks(config.profile).padding_in_local_statistics ? Tensor() : features.valid, parts);
  }

  AlignmentLosses losses(const AlignmentInput& batch) override {
    MGCA_CHECK(batch.images.dim() == 4 && batch.images.size(0) == batch.tokens.ids.size(0) && batch.images.size(0) > 0, name_,
               ": expected as many images (B, 3, S, S) as reports (B, T), B at least 1, got ", batch.images.sizes(), " and ", batch.tokens.ids.sizes());
    return align::in_groups(batch, config.micro_group, [&](const AlignmentInput& group) { return group_losses(group); });
  }
  AlignmentLosses losses(const Tensor& images, const Tokens& tokens) { return losses(AlignmentInput{.images = images, .tokens = tokens}); }

  Tensor image_features(const Tensor& images) override { return img_encoder_q->model(images).global; }
  [[nodiscard]] int64_t image_width() const override { return img_encoder_q->model->global_width(); }
  [[nodiscard]] int64_t image_size() const override {
    if constexpr (requires { config.image.image_size; }) return config.image.image_size;
    return 0;
  }
  [[nodiscard]] int64_t text_length() const override {
    if constexpr (requires { config.text.length; }) return config.text.length;
    return 0;
  }
  [[nodiscard]] int64_t vocabulary() const override {
    if constexpr (requires { config.text.vocabulary; }) return config.text.vocabulary;
    return 0;
  }
  [[nodiscard]] Profile profile() const override { return config.profile; }
  // Also biases before a batch norm.
  [[nodiscard]] std::vector<std::string> idle_parameters() const override {
    auto all = AlignmentModel::idle_parameters();
    all.insert(all.end(), {"_embed.head.0.bias", "_embed.head.3.bias"});
    return all;
  }

  const Config config;
  typename ImageTower::Module img_encoder_q = nullptr;
  typename TextTower::Module text_encoder_q = nullptr;

 protected:
  // `name` begins the model's messages. Without a width of the shared space it is the text trunk's own.
  TwoTowers(std::string_view name, Config c, detail::HeadWidths heads) : config(prepared(std::move(c))), name_(name) {
    if (heads.out == 0) {
      text_encoder_q = typename TextTower::Module({config.text, heads});
      heads.out = text_encoder_q->model->global_width();
    }
    img_encoder_q = this->register_module("img_encoder_q", typename ImageTower::Module({config.image, heads}));
    if (text_encoder_q.is_empty()) text_encoder_q = typename TextTower::Module({config.text, heads});
    this->register_module("text_encoder_q", text_encoder_q);
    if (!config.frozen_text) return;
    for (auto& parameter : text_encoder_q->model->parameters()) parameter.set_requires_grad(false);
  }

  // Of samples that are one another's negatives, with those of their peers where they have any. In training mode this is the forward of a
  // training step.
  virtual AlignmentLosses group_losses(const AlignmentInput& group) = 0;

  // The ranks whose samples are negatives of this one's.
  [[nodiscard]] ProcessGroup* compared(ProcessGroup* peers) const { return align::compared(negatives_of(config.negatives, config.profile), peers); }
  // Embeddings of whole images and reports, of all that are compared: (N, d) each.
  [[nodiscard]] std::pair<Tensor, Tensor> gathered_pairs(const AlignmentInput& group) {
    const auto image = encode_image(group.images).global;
    return align::gathered_pairs(image, encode_text(group.tokens).global, compared(group.peers));
  }

 private:
  static Config prepared(Config c) {
    if constexpr (requires { c.text.profile; }) c.text.profile = c.profile;
    c.validate();
    return c;
  }

  std::string_view name_;
};

}  // namespace mgca

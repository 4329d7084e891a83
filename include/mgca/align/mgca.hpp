// MGCA: multi-granularity cross-modal alignment of radiographs and reports.
// Two towers, each with a head for the whole and one for the parts, pulled together at the level of instances, tokens and
// prototypes.
// Reference: Wang et al., NeurIPS 2022; key names of the published checkpoints.
#pragma once

#include <mgca/align/cpa.hpp>
#include <mgca/align/cta.hpp>
#include <mgca/align/ita.hpp>
#include <mgca/align/model.hpp>
#include <mgca/core/error.hpp>
#include <mgca/encoders/concepts.hpp>
#include <mgca/nn/projection.hpp>
#include <mgca/ops/sinkhorn.hpp>
#include <mgca/ops/unit.hpp>
#include <mgca/tensor/handle.hpp>

#include <optional>

namespace mgca {

template <class ImageConfig, class TextConfig>
struct MgcaConfig {
  ImageConfig image;
  TextConfig text;
  int64_t head_hidden = 2048;          // width inside the projection heads
  int64_t embedding = 128;             // channels of the shared space
  int64_t prototypes = 500;            // disease groups
  double instance_temperature = 0.07;
  double token_temperature = 0.1;
  double prototype_temperature = 0.2;
  double instance_weight = 1;          // of ITA in the sum
  double token_weight = 1;             // of CTA
  double prototype_weight = 1;         // of CPA
  bool skip_unweighted = true;         // a weight of 0 saves the computation; off, as in the reference: its gradients are 0, so
                                       // what only it needs keeps its running statistics and its weight decay
  bool patch_branch = true;            // CTA: patches find words too
  bool frozen_text = false;            // the text trunk keeps its start weights; its heads learn (the reference's --freeze_bert)
  std::optional<bool> learned_attention;  // CTA: absent: the profile's custom
  int64_t attention_heads = 1;
  int64_t frozen_prototype_epochs = 1; // epochs in which prototypes receive no gradient
  ops::SinkhornOptions sinkhorn;
  Profile profile = Profile::fixed;    // handed on to the text tower

  static void describe(auto& self, auto&& field) {
    field("image", self.image, "image tower");
    field("text", self.text, "text tower");
    field("head_hidden", self.head_hidden, "width inside the projection heads");
    field("embedding", self.embedding, "channels of the shared space");
    field("prototypes", self.prototypes, "disease groups");
    field("instance_temperature", self.instance_temperature, "temperature of ITA");
    field("token_temperature", self.token_temperature, "temperature of CTA");
    field("prototype_temperature", self.prototype_temperature, "temperature of CPA");
    field("instance_weight", self.instance_weight, "weight of ITA");
    field("token_weight", self.token_weight, "weight of CTA");
    field("prototype_weight", self.prototype_weight, "weight of CPA");
    field("skip_unweighted", self.skip_unweighted, "a weight of 0 saves the computation; off: it is done and its gradients are 0");
    field("patch_branch", self.patch_branch, "CTA: patches find words too");
    field("frozen_text", self.frozen_text, "the text trunk keeps its start weights; its heads learn");
    field("learned_attention", self.learned_attention, "CTA: learned attention; null: the profile's custom");
    field("attention_heads", self.attention_heads, "CTA: heads of the learned attention");
    field("frozen_prototype_epochs", self.frozen_prototype_epochs, "epochs in which prototypes receive no gradient");
    field("sinkhorn", self.sinkhorn, "CPA: balanced assignment");
    field("profile", self.profile, "which behaviour");
  }
  void validate() const {
    if constexpr (requires { image.validate(); }) image.validate();
    if constexpr (requires { text.validate(); }) text.validate();
    MGCA_CHECK(head_hidden > 0 && embedding > 0 && prototypes > 0, "mgca: expected positive head_hidden, embedding and prototypes, got ",
               head_hidden, ", ", embedding, ", ", prototypes);
    MGCA_CHECK(instance_temperature > 0 && token_temperature > 0 && prototype_temperature > 0, "mgca: temperatures must be positive, got ",
               instance_temperature, ", ", token_temperature, ", ", prototype_temperature);
    MGCA_CHECK(instance_weight >= 0 && token_weight >= 0 && prototype_weight >= 0 && instance_weight + token_weight + prototype_weight > 0,
               "mgca: weights must be 0 or more and not all 0, got ", instance_weight, ", ", token_weight, ", ", prototype_weight);
    cta().validate();
    sinkhorn.validate();
  }
  [[nodiscard]] bool computes(double weight) const { return weight > 0 || !skip_unweighted; }
  [[nodiscard]] CtaConfig cta() const {
    return {.width = embedding, .temperature = token_temperature, .learned = learned_attention, .heads = attention_heads,
            .patch_branch = patch_branch, .profile = profile};
  }
};

namespace detail {

struct HeadWidths {
  int64_t hidden, out;
};

enum class Parts : uint8_t { embedded, skipped };  // whether patches and words are needed beside the whole

// A trunk with its two heads, under the names of the checkpoints: model, global_embed, local_embed.
template <class Trunk>
struct TowerImpl : torch::nn::Module {
  struct Config {
    typename Trunk::Config trunk;
    HeadWidths heads;
  };
  explicit TowerImpl(const Config& c)
      : model(register_module("model", Trunk(c.trunk))),
        global_embed(register_module("global_embed", GlobalProjection({.in = model->global_width(), .hidden = c.heads.hidden, .out = c.heads.out}))),
        local_embed(register_module("local_embed", LocalProjection({.in = model->local_width(), .hidden = c.heads.hidden, .out = c.heads.out}))) {}

  // What the heads give. `counted`: the parts that enter the local head's statistics; undefined: all.
  Embeddings project(const Features& f, const Tensor& counted, Parts parts = Parts::embedded) {
    Embeddings out{.global = global_embed(f.global), .attention = f.attention, .valid = f.valid, .features = f.global};
    if (parts == Parts::embedded) out.local = local_embed(f.local, counted);
    return out;
  }

  Trunk model;
  GlobalProjection global_embed;
  LocalProjection local_embed;
};

}  // namespace detail

namespace align {

// What the heads give as unit rows.
[[nodiscard]] inline Embeddings unit(Embeddings e) {
  e.global = ops::unit(e.global);
  if (e.local.defined()) e.local = ops::unit(e.local);
  return e;
}

}  // namespace align

// The three levels of one batch, with what each looked at.
struct MgcaLevels {
  ops::Contrast instances;             // ITA
  std::optional<CtaLoss> tokens;       // CTA, where its weight asks for it
  std::optional<align::CpaLoss> prototypes;   // CPA likewise
};

template <class Image, class Text>
class MgcaImpl : public AlignmentModel {
  static_assert(detail::require_encoder<Image, Tensor>() && detail::require_encoder<Text, Tokens>());

 public:
  using Config = MgcaConfig<typename Image::Config, typename Text::Config>;

  explicit MgcaImpl(Config c)
      : config(prepared(std::move(c))),
        img_encoder_q(register_module("img_encoder_q", Handle<detail::TowerImpl<Image>>({config.image, {config.head_hidden, config.embedding}}))),
        text_encoder_q(register_module("text_encoder_q", Handle<detail::TowerImpl<Text>>({config.text, {config.head_hidden, config.embedding}}))),
        attention_(local_attention()),
        prototype_layer(register_module("prototype_layer", torch::nn::Linear(torch::nn::LinearOptions(config.embedding, config.prototypes).bias(false)))) {
    if (!config.frozen_text) return;
    for (auto& parameter : text_encoder_q->model->parameters()) parameter.set_requires_grad(false);
  }

  Embeddings encode_image(const Tensor& images) override { return align::unit(project_image(img_encoder_q->model(images))); }
  Embeddings encode_text(const Tokens& tokens) override { return align::unit(project_text(text_encoder_q->model(tokens))); }

  // What the heads make of a trunk's features, before it is normalised to unit rows.
  Embeddings project_image(const Features& features, detail::Parts parts = detail::Parts::embedded) {
    return img_encoder_q->project(features, {}, parts);
  }
  Embeddings project_text(const Features& features, detail::Parts parts = detail::Parts::embedded) {
    return text_encoder_q->project(features, alignment_quirks(config.profile).padding_in_local_statistics ? Tensor() : features.valid, parts);
  }

  AlignmentLosses losses(const AlignmentInput& batch) override { return losses(batch.images, batch.tokens); }
  AlignmentLosses losses(const Tensor& images, const Tokens& tokens) {
    MGCA_CHECK(images.dim() == 4 && images.size(0) == tokens.ids.size(0) && images.size(0) > 0,
               "mgca: expected as many images (B, 3, S, S) as reports (B, T), B at least 1, got ", images.sizes(), " and ", tokens.ids.sizes());
    const auto parts = config.computes(config.token_weight) ? detail::Parts::embedded : detail::Parts::skipped;  // CTA alone looks at them
    const auto image = project_image(img_encoder_q->model(images), parts);
    return losses(compare(align::unit(image), align::unit(project_text(text_encoder_q->model(tokens), parts))));
  }

  // The levels of a batch of embeddings, and their losses.
  MgcaLevels compare(const Embeddings& image, const Embeddings& text) {
    MgcaLevels levels{.instances = align::ita(image.global, text.global, config.instance_temperature), .tokens = {}, .prototypes = {}};
    if (config.computes(config.token_weight)) levels.tokens = align::cta(image, text, attention_, config.cta());
    if (config.computes(config.prototype_weight)) {
      levels.prototypes = align::cpa(image.global, text.global, unit_prototypes(), config.prototype_temperature, config.sinkhorn);
    }
    return levels;
  }
  [[nodiscard]] AlignmentLosses losses(const MgcaLevels& levels) const {
    AlignmentLosses out;
    if (config.computes(config.instance_weight)) out.terms.push_back({"ita", levels.instances.sum(), config.instance_weight});
    if (levels.tokens) out.terms.push_back({"cta", levels.tokens->value(), config.token_weight});
    if (levels.prototypes) out.terms.push_back({"cpa", levels.prototypes->value(), config.prototype_weight});
    out.metrics = {{"acc1", ops::pairing_accuracy(levels.instances.logits, 1)}, {"acc5", ops::pairing_accuracy(levels.instances.logits, 5)}};
    return out;
  }

  Tensor image_features(const Tensor& images) override { return img_encoder_q->model(images).global; }

  // Unit rows (K, d). In training the parameter itself is overwritten by them, as the paper's code does, and receives the
  // gradient; in evaluation the fixed profile uses a copy.
  Tensor unit_prototypes() {
    const auto unit = ops::unit(prototype_layer->weight.detach());
    if (!is_training() && !alignment_quirks(config.profile).prototypes_always_renormalised) return unit;
    const torch::NoGradGuard no_grad;
    prototype_layer->weight.copy_(unit);
    return prototype_layer->weight;
  }

  void after_backward(int64_t epoch) override {
    if (epoch < config.frozen_prototype_epochs) prototype_layer->weight.mutable_grad().reset();
  }

  // Also biases before a batch norm, and in profile official the learned attention that the published files hold and dot products replace.
  [[nodiscard]] std::vector<std::string> idle_parameters() const override {
    auto all = AlignmentModel::idle_parameters();
    all.insert(all.end(), {"_embed.head.0.bias", "_embed.head.3.bias"});
    if (!config.cta().is_learned()) all.emplace_back("_local_atten_layer.");
    return all;
  }

  [[nodiscard]] CtaLayers& attention_layers() { return attention_; }
  [[nodiscard]] int64_t image_width() const override { return img_encoder_q->model->global_width(); }
  [[nodiscard]] int64_t image_size() const override { if constexpr (requires { config.image.image_size; }) return config.image.image_size; else return 0; }
  [[nodiscard]] int64_t text_length() const override { if constexpr (requires { config.text.length; }) return config.text.length; else return 0; }
  [[nodiscard]] int64_t vocabulary() const override { if constexpr (requires { config.text.vocabulary; }) return config.text.vocabulary; else return 0; }
  [[nodiscard]] Profile profile() const override { return config.profile; }

  const Config config;
  Handle<detail::TowerImpl<Image>> img_encoder_q;
  Handle<detail::TowerImpl<Text>> text_encoder_q;

 private:
  CtaLayers local_attention() {
    const LocalAttentionConfig c{.width = config.embedding, .heads = config.attention_heads};
    auto patch = register_module("patch_local_atten_layer", LocalAttention(c));  // first, as in the checkpoints
    return {.word = register_module("word_local_atten_layer", LocalAttention(c)), .patch = patch};
  }

  static Config prepared(Config c) {
    if constexpr (requires { c.text.profile; }) c.text.profile = c.profile;
    c.validate();
    return c;
  }

  CtaLayers attention_;

 public:
  torch::nn::Linear prototype_layer;
};

template <class Image, class Text>
using Mgca = Handle<MgcaImpl<Image, Text>>;

}  // namespace mgca

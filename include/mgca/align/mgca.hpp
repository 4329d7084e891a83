// MGCA: multi-granularity cross-modal alignment of radiographs and reports.
// Two towers, each with a head for the whole and one for the parts, pulled together at the level of instances, tokens and
// prototypes.
// Reference: Wang et al., NeurIPS 2022; key names of the published checkpoints.
#pragma once

#include <mgca/align/cpa.hpp>
#include <mgca/align/cta.hpp>
#include <mgca/align/ita.hpp>
#include <mgca/align/towers.hpp>
#include <mgca/core/error.hpp>
#include <mgca/nn/projection.hpp>
#include <mgca/ops/sinkhorn.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mgca {

enum class SinkhornScope : uint8_t {
  per_rank,  // each rank balances the assignment of its own samples, as in the published code
  global,    // that of the samples of all ranks, as one process does with the joined batch
};
constexpr auto names_of(SinkhornScope) { return std::to_array<std::string_view>({"per_rank", "global"}); }

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
  std::optional<SinkhornScope> sinkhorn_scope;  // of several ranks: whose samples are balanced; absent: the profile's custom
  int64_t micro_group = 0;             // losses in groups of so many samples, averaged; 0: the whole batch
  std::optional<Negatives> negatives;  // of several ranks: whose samples are compared; absent: the profile's custom
  Profile profile = Profile::fixed;    // handed on to the text tower

  static void describe(auto& self, auto&& field) {
    detail::describe_towers(self, field);
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
    field("learned_attention", self.learned_attention, "CTA: learned attention; null: the profile's custom");
    field("attention_heads", self.attention_heads, "CTA: heads of the learned attention");
    field("frozen_prototype_epochs", self.frozen_prototype_epochs, "epochs in which prototypes receive no gradient");
    field("sinkhorn", self.sinkhorn, "CPA: balanced assignment");
    field("sinkhorn_scope", self.sinkhorn_scope, "CPA, of several ranks: whose samples are balanced; null: the profile's custom");
  }
  void validate() const {
    detail::validate_towers("mgca", *this);
    MGCA_CHECK(head_hidden > 0 && embedding > 0 && prototypes > 0, "mgca: expected positive head_hidden, embedding and prototypes, got ",
               head_hidden, ", ", embedding, ", ", prototypes);
    MGCA_CHECK(instance_temperature > 0 && token_temperature > 0 && prototype_temperature > 0, "mgca: temperatures must be positive, got ",
               instance_temperature, ", ", token_temperature, ", ", prototype_temperature);
    MGCA_CHECK(instance_weight >= 0 && token_weight >= 0 && prototype_weight >= 0 && instance_weight + token_weight + prototype_weight > 0,
               "mgca: weights must be 0 or more and not all 0, got ", instance_weight, ", ", token_weight, ", ", prototype_weight);
    MGCA_CHECK(micro_group == 0 || sinkhorn_scope != SinkhornScope::global, "mgca: groups of ", micro_group,
               " samples are balanced by themselves, and sinkhorn_scope is global; leave out micro_group or sinkhorn_scope");
    cta().validate();
    sinkhorn.validate();
  }
  [[nodiscard]] bool computes(double weight) const { return weight > 0 || !skip_unweighted; }
  [[nodiscard]] bool balances_globally() const {
    return sinkhorn_scope ? *sinkhorn_scope == SinkhornScope::global : !alignment_quirks(profile).sinkhorn_per_rank;
  }
  [[nodiscard]] CtaConfig cta() const {
    return {.width = embedding, .temperature = token_temperature, .learned = learned_attention, .heads = attention_heads,
            .patch_branch = patch_branch, .profile = profile};
  }
};

// The three levels of one batch, with what each looked at.
struct MgcaLevels {
  ops::Contrast instances;             // ITA
  std::optional<CtaLoss> tokens;       // CTA, where its weight asks for it
  std::optional<align::CpaLoss> prototypes;   // CPA likewise
};

template <class Image, class Text>
using MgcaTowers = TwoTowers<MgcaConfig<ImageConfigOf<Image>, TextConfigOf<Text>>, TowerOf<Image, GlobalProjection, LocalProjection>,
                             TowerOf<Text, GlobalProjection, LocalProjection>>;

template <class Image, class Text>
class MgcaImpl : public MgcaTowers<Image, Text> {
  using Towers = MgcaTowers<Image, Text>;

 public:
  using Config = typename Towers::Config;
  using Towers::config, Towers::img_encoder_q, Towers::text_encoder_q, Towers::losses;

  explicit MgcaImpl(const Config& c)
      : Towers("mgca", c, {.hidden = c.head_hidden, .out = c.embedding}), attention_(local_attention()),
        prototype_layer(this->register_module("prototype_layer", torch::nn::Linear(torch::nn::LinearOptions(c.embedding, c.prototypes).bias(false)))) {}

  // The levels of a batch of embeddings, and their losses: with those of the peers where the configuration says so, but for the tokens' level,
  // which looks at each sample by itself.
  MgcaLevels compare(const Embeddings& image, const Embeddings& text, ProcessGroup* peers = nullptr) {
    auto* const compared = this->compared(peers);
    auto* const balanced = config.balances_globally() ? peers : nullptr;
    const auto pairs = align::gathered_pairs(image.global, text.global, compared);
    MgcaLevels levels{.instances = align::ita(pairs.first, pairs.second, config.instance_temperature), .tokens = {}, .prototypes = {}};
    if (config.computes(config.token_weight)) levels.tokens = align::cta(image, text, attention_, config.cta(), compared);
    if (config.computes(config.prototype_weight)) {
      const auto [images, reports] = balanced == compared ? pairs : align::gathered_pairs(image.global, text.global, balanced);
      levels.prototypes = align::cpa(images, reports, unit_prototypes(), config.prototype_temperature, config.sinkhorn);
    }
    return levels;
  }
  [[nodiscard]] AlignmentLosses losses(const MgcaLevels& levels) const {
    AlignmentLosses out;
    if (config.computes(config.instance_weight)) out.terms.push_back({"ita", levels.instances.sum(), config.instance_weight});
    if (levels.tokens) out.terms.push_back({"cta", levels.tokens->value(), config.token_weight});
    if (levels.prototypes) out.terms.push_back({"cpa", levels.prototypes->value(), config.prototype_weight});
    out.metrics = align::pairing_metrics(levels.instances.logits);
    return out;
  }

  // Unit rows (K, d). In training the parameter itself is overwritten by them, as the paper's code does, and receives the
  // gradient; in evaluation the fixed profile uses a copy.
  Tensor unit_prototypes() {
    const auto unit = ops::unit(prototype_layer->weight.detach());
    if (!this->is_training() && !alignment_quirks(config.profile).prototypes_always_renormalised) return unit;
    prototype_layer->weight.variable_data().copy_(unit);  // not seen as a change by the graphs of earlier groups of the batch
    return prototype_layer->weight;
  }

  void after_backward(int64_t epoch) override {
    if (epoch < config.frozen_prototype_epochs) prototype_layer->weight.mutable_grad().reset();
  }

  // Also, in profile official, the learned attention that the published files hold and dot products replace.
  [[nodiscard]] std::vector<std::string> idle_parameters() const override {
    auto all = Towers::idle_parameters();
    if (!config.cta().is_learned()) all.emplace_back("_local_atten_layer.");
    return all;
  }

  [[nodiscard]] CtaLayers& attention_layers() { return attention_; }

 protected:
  AlignmentLosses group_losses(const AlignmentInput& group) override {
    const auto parts = config.computes(config.token_weight) ? detail::Parts::embedded : detail::Parts::skipped;  // CTA alone looks at them
    const auto image = this->project_image(img_encoder_q->model(group.images), parts);
    const auto text = this->project_text(text_encoder_q->model(group.tokens), parts);
    return losses(compare(align::unit(image), align::unit(text), group.peers));
  }

 private:
  CtaLayers local_attention() {
    const LocalAttentionConfig c{.width = config.embedding, .heads = config.attention_heads};
    auto patch = this->register_module("patch_local_atten_layer", LocalAttention(c));  // first, as in the checkpoints
    return {.word = this->register_module("word_local_atten_layer", LocalAttention(c)), .patch = patch};
  }

  CtaLayers attention_;

 public:
  torch::nn::Linear prototype_layer;
};

template <class Image, class Text>
using Mgca = Handle<MgcaImpl<Image, Text>>;

}  // namespace mgca

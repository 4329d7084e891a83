// GLoRIA: images and reports find each other in the batch twice, as a whole and word by word.
// Reference: Huang et al., "GLoRIA: A Multimodal Global-Local Representation Learning Framework for Label-efficient Medical Image
// Recognition", ICCV 2021; the published code's constants.
#pragma once

#include <mgca/align/towers.hpp>
#include <mgca/nn/linear_projection.hpp>
#include <mgca/ops/local_similarity.hpp>

#include <optional>

namespace mgca {

struct GloriaObjective {
  ops::LocalSimilarityOptions local;  // its scale is that of the global similarity too
  double global_weight = 1;           // 0 skips
  double local_weight = 1;            // 0 skips
};

template <class ImageConfig, class TextConfig>
struct GloriaConfig {
  ImageConfig image;
  TextConfig text;
  double attention_scale = 4;        // of the attention over regions ("temp1" of the published code)
  double word_scale = 5;             // of words' cosines before they are joined ("temp2")
  double scale = 10;                 // of both similarities ("temp3")
  double global_weight = 1;          // of whole images and reports in the sum; 0 skips
  double local_weight = 1;           // of regions and words; 0 skips
  bool frozen_text = false;          // the text trunk keeps its start weights
  int64_t micro_group = 0;           // losses in groups of so many samples, averaged; 0: the whole batch
  std::optional<Negatives> negatives;// of several ranks: whose samples are compared; absent: the profile's custom
  Profile profile = Profile::fixed;  // handed on to the text tower

  static void describe(auto& self, auto&& field) {
    detail::describe_towers(self, field);
    field("attention_scale", self.attention_scale, "of the attention over regions");
    field("word_scale", self.word_scale, "of words' cosines before they are joined");
    field("scale", self.scale, "of both similarities");
    field("global_weight", self.global_weight, "weight of whole images and reports; 0 skips");
    field("local_weight", self.local_weight, "weight of regions and words; 0 skips");
  }
  void validate() const {
    detail::validate_towers("gloria", *this);
    MGCA_CHECK(attention_scale > 0 && word_scale > 0 && scale > 0, "gloria: scales must be positive, got ", attention_scale, ", ", word_scale, " and ", scale);
    MGCA_CHECK(global_weight >= 0 && local_weight >= 0 && global_weight + local_weight > 0, "gloria: weights must be 0 or more and not both 0, got ",
               global_weight, " and ", local_weight);
  }
  [[nodiscard]] GloriaObjective objective() const {
    return {.local = {.attention_scale = attention_scale, .word_scale = word_scale, .scale = scale}, .global_weight = global_weight, .local_weight = local_weight};
  }
};

template <class Image, class Text>
using GloriaTowers = TwoTowers<GloriaConfig<ImageConfigOf<Image>, TextConfigOf<Text>>, TowerOf<Image, LinearProjection, UnbiasedProjection>,
                               TowerOf<Text, NoHead, NoHead>>;

// The two levels of a batch; without a weight, nothing.
struct GloriaLevels {
  std::optional<ops::Contrast> whole;  // images and reports
  std::optional<ops::Contrast> parts;  // regions and words
};

namespace align {

// Embeddings before normalisation: global (B, D), local (B, P, D) and (B, W, D). With peers the levels are those of all ranks' samples; each rank
// compares its own reports with the images of all, so that nobody holds the whole table of attention.
[[nodiscard]] inline GloriaLevels gloria(const Embeddings& image, const Embeddings& text, const GloriaObjective& objective, ProcessGroup* peers = nullptr) {
  GloriaLevels out;
  if (objective.global_weight > 0) {
    const auto [images, reports] = gathered_pairs(ops::unit(image.global), ops::unit(text.global), peers);
    out.whole = ops::contrast(images, reports, 1 / objective.local.scale);
  }
  if (objective.local_weight > 0) {
    const auto own = ops::local_similarity(gathered(image.local, peers), text.local, text.valid, objective.local);  // (ranks B, B)
    out.parts = ops::contrast_of(gathered(own.t(), peers).t());
  }
  return out;
}

}  // namespace align

template <class Image, class Text>
class GloriaImpl : public GloriaTowers<Image, Text> {
 public:
  using Config = typename GloriaTowers<Image, Text>::Config;

  // The shared space is the text tower's own, which has no heads.
  explicit GloriaImpl(const Config& c) : GloriaTowers<Image, Text>("gloria", c, {}) {
    const auto& text = this->text_encoder_q->model;
    MGCA_CHECK(text->global_width() == text->local_width(), "gloria: expected a text tower whose reports and words have as many channels, got ",
               text->global_width(), " and ", text->local_width());
  }

 protected:
  AlignmentLosses group_losses(const AlignmentInput& group) override {
    const auto objective = this->config.objective();
    const auto parts = objective.local_weight > 0 ? detail::Parts::embedded : detail::Parts::skipped;
    const auto image = this->project_image(this->img_encoder_q->model(group.images), parts);
    const auto text = this->project_text(this->text_encoder_q->model(group.tokens), parts);
    const auto levels = align::gloria(image, text, objective, this->compared(group.peers));
    AlignmentLosses out;
    if (levels.whole) out.terms.push_back({"global", levels.whole->sum(), objective.global_weight});
    if (levels.parts) out.terms.push_back({"local", levels.parts->sum(), objective.local_weight});
    out.metrics = align::pairing_metrics((levels.whole ? levels.whole : levels.parts)->logits);
    return out;
  }
};

template <class Image, class Text>
using Gloria = Handle<GloriaImpl<Image, Text>>;

}  // namespace mgca

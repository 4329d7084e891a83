// CLIP: linear projections without bias, and a contrast of images and reports whose sharpness is learned.
// Reference: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021.
#pragma once

#include <mgca/align/towers.hpp>
#include <mgca/nn/linear_projection.hpp>

#include <cmath>
#include <optional>

namespace mgca {

template <class ImageConfig, class TextConfig>
struct ClipConfig {
  ImageConfig image;
  TextConfig text;
  int64_t embedding = 512;            // channels of the shared space
  double start_temperature = 0.07;    // one over the scale at the start
  double max_scale = 100;             // above it the scale is held, and receives no gradient
  bool frozen_text = false;           // the text trunk keeps its start weights; its projection learns
  int64_t micro_group = 0;            // losses in groups of so many samples, averaged; 0: the whole batch
  std::optional<Negatives> negatives; // of several ranks: whose samples are compared; absent: the profile's custom
  Profile profile = Profile::fixed;   // handed on to the text tower

  static void describe(auto& self, auto&& field) {
    detail::describe_towers(self, field);
    field("embedding", self.embedding, "channels of the shared space");
    field("start_temperature", self.start_temperature, "one over the scale of the cosines at the start");
    field("max_scale", self.max_scale, "above it the scale is held, and receives no gradient");
  }
  void validate() const {
    detail::validate_towers("clip", *this);
    MGCA_CHECK(embedding > 0, "clip: expected a positive embedding, got ", embedding);
    MGCA_CHECK(start_temperature > 0 && max_scale > 0, "clip: start_temperature and max_scale must be positive, got ", start_temperature, " and ", max_scale);
  }
};

namespace align {

struct ClipLoss {
  Tensor scale;  // of the cosines, at most the limit
  ops::Contrast contrast;

  [[nodiscard]] Tensor value() const { return contrast.sum() / 2; }
};

// Unit rows (B, D) and the logarithm of the scale, one number. Above `max_scale` the scale has no gradient.
[[nodiscard]] inline ClipLoss clip(const Tensor& image, const Tensor& text, const Tensor& log_scale, double max_scale) {
  const auto scale = log_scale.exp().clamp_max(max_scale);
  return {.scale = scale, .contrast = ops::contrast(image, text, scale)};
}

}  // namespace align

template <class Image, class Text>
using ClipTowers = TwoTowers<ClipConfig<ImageConfigOf<Image>, TextConfigOf<Text>>, TowerOf<Image, UnbiasedProjection, NoParts>,
                             TowerOf<Text, UnbiasedProjection, NoParts>>;

template <class Image, class Text>
class ClipImpl : public ClipTowers<Image, Text> {
 public:
  using Config = typename ClipTowers<Image, Text>::Config;

  explicit ClipImpl(const Config& c)
      : ClipTowers<Image, Text>("clip", c, {.out = c.embedding}),
        logit_scale(this->register_parameter("logit_scale", torch::full({}, -std::log(c.start_temperature)))) {}

  Tensor logit_scale;  // the logarithm of the scale

 protected:
  AlignmentLosses group_losses(const AlignmentInput& group) override {
    const auto [image, text] = this->gathered_pairs(group);
    const auto found = align::clip(image, text, logit_scale, this->config.max_scale);
    AlignmentLosses out{.terms = {{"contrast", found.value()}}, .metrics = align::pairing_metrics(found.contrast.logits)};
    out.metrics.push_back({"scale", found.scale.detach()});
    return out;
  }
};

template <class Image, class Text>
using Clip = Handle<ClipImpl<Image, Text>>;

}  // namespace mgca

// SimCLR: of two views of each picture in a batch, every view must find its partner among all others.
// Reference: Chen et al., ICML 2020.
#pragma once

#include <mgca/align/groups.hpp>
#include <mgca/align/image_only.hpp>
#include <mgca/align/negatives.hpp>
#include <mgca/ops/contrast.hpp>
#include <mgca/ops/nt_xent.hpp>

namespace mgca {

template <class ImageConfig>
struct SimClrConfig {
  ImageConfig image;
  int64_t embedding = 128;   // channels in which views are compared
  double temperature = 0.1;  // 0.5 suits small batches
  int64_t micro_group = 0;   // losses in groups of so many pictures, averaged; 0: the whole batch
  Negatives negatives = Negatives::gathered;  // of several ranks: whose pictures are compared; a group meets no others

  static void describe(auto& self, auto&& field) {
    field("image", self.image, "image tower");
    field("embedding", self.embedding, "channels in which views are compared");
    field("temperature", self.temperature, "temperature of the contrast");
    field("micro_group", self.micro_group, "losses in groups of so many pictures, averaged; 0: the whole batch");
    field("negatives", self.negatives, "of several ranks: whose pictures are compared; a group meets no others");
  }
  void validate() const {
    if constexpr (requires { image.validate(); }) image.validate();
    MGCA_CHECK(embedding > 0, "simclr: expected a positive embedding, got ", embedding);
    MGCA_CHECK(temperature > 0, "simclr: temperature must be positive, got ", temperature);
    MGCA_CHECK(micro_group >= 0, "simclr: micro_group must be the pictures of a group, or 0 for the whole batch, got ", micro_group);
  }
};

template <class Image>
class SimClrImpl : public ImageOnlyModel {
 public:
  using Config = SimClrConfig<ImageConfigOf<Image>>;
  static constexpr AlignmentNeeds kNeeds{.reports = false, .views = 2};

  explicit SimClrImpl(const Config& c)
      : config((c.validate(), c)),
        img_encoder_q(register_module("img_encoder_q", Handle<detail::ViewTowerImpl<Image>>({config.image, config.embedding}))) {}

  [[nodiscard]] AlignmentNeeds needs() const override { return kNeeds; }

  Embeddings encode_image(const Tensor& images) override {
    const auto features = img_encoder_q->model(images);
    return embedded(features, ops::unit(img_encoder_q->head(features.global)));
  }
  Tensor image_features(const Tensor& images) override { return img_encoder_q->model(images).global; }

  AlignmentLosses losses(const AlignmentInput& batch) override {
    require_two_views(batch);
    return align::in_groups(batch, config.micro_group, [&](const AlignmentInput& group) { return group_losses(group); });
  }

  [[nodiscard]] int64_t image_width() const override { return img_encoder_q->model->global_width(); }
  [[nodiscard]] int64_t image_size() const override { return image_size_of(img_encoder_q->model); }

 private:
  // Both views go through the tower as one batch, so that they share the statistics of its norms.
  AlignmentLosses group_losses(const AlignmentInput& group) {
    const auto views = img_encoder_q(torch::cat({group.images, group.second_images})).chunk(2);  // (B, embedding) each
    const auto [first, second] = align::gathered_pairs(views[0], views[1], align::compared(config.negatives, group.peers));
    const auto found = ops::nt_xent(first, second, config.temperature);
    const auto across = found.logits.slice(0, 0, first.size(0)).slice(1, first.size(0));  // first views against second ones
    return {.terms = {{"nt_xent", found.value(), 1.0}},
            .metrics = {{"acc1", ops::pairing_accuracy(across, 1)}, {"acc5", ops::pairing_accuracy(across, 5)}}};
  }

 public:
  const Config config;
  Handle<detail::ViewTowerImpl<Image>> img_encoder_q;
};

template <class Image>
using SimClr = Handle<SimClrImpl<Image>>;

}  // namespace mgca

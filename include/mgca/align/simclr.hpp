// SimCLR: of two views of each picture in a batch, every view must find its partner among all others.
// Reference: Chen et al., ICML 2020.
#pragma once

#include <mgca/align/image_only.hpp>
#include <mgca/ops/contrast.hpp>
#include <mgca/ops/nt_xent.hpp>

namespace mgca {

template <class ImageConfig>
struct SimClrConfig {
  ImageConfig image;
  int64_t embedding = 128;   // channels in which views are compared
  double temperature = 0.1;  // 0.5 suits small batches

  static void describe(auto& self, auto&& field) {
    field("image", self.image, "image tower");
    field("embedding", self.embedding, "channels in which views are compared");
    field("temperature", self.temperature, "temperature of the contrast");
  }
  void validate() const {
    if constexpr (requires { image.validate(); }) image.validate();
    MGCA_CHECK(embedding > 0, "simclr: expected a positive embedding, got ", embedding);
    MGCA_CHECK(temperature > 0, "simclr: temperature must be positive, got ", temperature);
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

  // Both views go through the tower as one batch, so that they share the statistics of its norms.
  AlignmentLosses losses(const AlignmentInput& batch) override {
    require_two_views(batch);
    const auto B = batch.images.size(0);
    const auto views = img_encoder_q(torch::cat({batch.images, batch.second_images}));  // (2B, embedding)
    const auto found = ops::nt_xent(views.slice(0, 0, B), views.slice(0, B), config.temperature);
    const auto across = found.logits.slice(0, 0, B).slice(1, B);  // (B, B) first views against second ones
    return {.terms = {{"nt_xent", found.value(), 1.0}},
            .metrics = {{"acc1", ops::pairing_accuracy(across, 1)}, {"acc5", ops::pairing_accuracy(across, 5)}}};
  }

  [[nodiscard]] int64_t image_width() const override { return img_encoder_q->model->global_width(); }
  [[nodiscard]] int64_t image_size() const override { return image_size_of(img_encoder_q->model); }

  const Config config;
  Handle<detail::ViewTowerImpl<Image>> img_encoder_q;
};

template <class Image>
using SimClr = Handle<SimClrImpl<Image>>;

}  // namespace mgca

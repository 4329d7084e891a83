// The control that learns from labels: an image tower under a linear classifier, each class by itself.
#pragma once

#include <mgca/align/image_only.hpp>
#include <mgca/align/negatives.hpp>
#include <mgca/ops/label_loss.hpp>

namespace mgca {

template <class ImageConfig>
struct SupervisedConfig {
  ImageConfig image;
  int64_t classes = 14;  // columns of labels; `mgca pretrain` sets it to those of its table

  static void describe(auto& self, auto&& field) {
    field("image", self.image, "image tower");
    field("classes", self.classes, "columns of labels");
  }
  void validate() const {
    if constexpr (requires { image.validate(); }) image.validate();
    MGCA_CHECK(classes > 0, "supervised: expected at least one class, got ", classes);
  }
};

template <class Image>
class SupervisedImpl : public ImageOnlyModel {
 public:
  using Config = SupervisedConfig<ImageConfigOf<Image>>;
  static constexpr AlignmentNeeds kNeeds{.reports = false, .labels = true};

  explicit SupervisedImpl(const Config& c)
      : config((c.validate(), c)),
        img_encoder_q(register_module("img_encoder_q", Tower(config.image))),
        classifier(register_module("classifier", torch::nn::Linear(img_encoder_q->model->global_width(), config.classes))) {}

  [[nodiscard]] AlignmentNeeds needs() const override { return kNeeds; }

  // The summary itself as unit rows: there is no other space.
  Embeddings encode_image(const Tensor& images) override {
    const auto features = img_encoder_q->model(images);
    return embedded(features, ops::unit(features.global));
  }
  Tensor image_features(const Tensor& images) override { return img_encoder_q->model(images).global; }

  // The mean binary cross-entropy of all labels that are known, and the share of them that are told right at one half; 0 where none is. With
  // peers both are such that their means over ranks are those of all ranks' labels.
  AlignmentLosses losses(const AlignmentInput& batch) override {
    MGCA_CHECK(batch.labels.defined() && batch.labels.dim() == 2 && batch.labels.size(0) == batch.images.size(0) && batch.labels.size(1) == config.classes,
               "supervised: expected labels (B, ", config.classes, ") of ", batch.images.sizes(), " images, got ",
               batch.labels.defined() ? batch.labels.sizes() : at::IntArrayRef(), "; set classes to the number of label columns");
    const auto logits = classifier(image_features(batch.images));  // (B, classes)
    const auto known = batch.labels.isfinite();
    const auto count = count_per_rank(known.sum().to(torch::promote_types(logits.scalar_type(), torch::kFloat32)), batch.peers);
    const auto right = logits.detach().gt(0).eq(batch.labels.gt(0.5)).logical_and(known);
    return {.terms = {{"bce", ops::label_loss(logits, batch.labels, count), 1.0}}, .metrics = {{"accuracy", right.sum() / count}}};
  }

  [[nodiscard]] int64_t image_width() const override { return img_encoder_q->model->global_width(); }
  [[nodiscard]] int64_t image_size() const override { return image_size_of(img_encoder_q->model); }

 private:
  // A trunk under the name every image tower has.
  struct TowerImpl : torch::nn::Module {
    using Config = ImageConfigOf<Image>;
    explicit TowerImpl(const Config& c) : model(register_module("model", Image(c))) {}
    Image model;
  };
  using Tower = Handle<TowerImpl>;

 public:
  const Config config;
  Tower img_encoder_q;
  torch::nn::Linear classifier;
};

template <class Image>
using Supervised = Handle<SupervisedImpl<Image>>;

}  // namespace mgca

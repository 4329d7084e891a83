// Prototype-level alignment: an image and its report should belong to the same prototypes of the whole collection,
// so that pairs with the same disease are no longer pure negatives of each other.
// Reference: MGCA, Wang et al. 2022, section 3.4; swapped prediction as in SwAV, Caron et al. 2020.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/ops/sinkhorn.hpp>
#include <mgca/tensor/handle.hpp>

#include <cstdint>

namespace mgca {

struct CpaConfig {
  int64_t width = 128;  // channels of the shared space
  int64_t prototypes = 500;
  double temperature = 0.2;  // of the predicted assignment
  double epsilon = 0.05;     // of the balanced assignment
  int64_t iterations = 3;    // of the balanced assignment
  Profile profile = Profile::fixed;

  static void describe(auto& self, auto&& field) {
    field("width", self.width, "channels of the shared space");
    field("prototypes", self.prototypes, "rows of the prototype matrix");
    field("temperature", self.temperature, "of the predicted assignment");
    field("epsilon", self.epsilon, "of the balanced assignment");
    field("iterations", self.iterations, "of the balanced assignment");
    field("profile", self.profile, "behaviour profile");
  }
  void validate() const {
    MGCA_CHECK(width > 0 && prototypes > 0, "cpa: expected positive sizes, got width ", width, ", prototypes ",
               prototypes);
    MGCA_CHECK(temperature > 0 && epsilon > 0 && iterations >= 0,
               "cpa: expected temperature > 0, epsilon > 0 and "
               "iterations >= 0, got ",
               temperature, ", ", epsilon, " and ", iterations);
  }
};

struct CpaOutput {
  Tensor prototypes;                 // (K, E) the unit rows that were used
  Tensor image_scores, text_scores;  // (B, K)
  Tensor image_codes, text_codes;    // (B, K) balanced assignments, without gradient
  Tensor image_to_text;              // scalar: images' codes predicted by texts
  Tensor text_to_image;              // scalar
  Tensor loss;                       // scalar, their mean
};

struct CpaImpl : torch::nn::Module {
  using Config = CpaConfig;

  explicit CpaImpl(const Config& c)
      : config((c.validate(), c)),
        quirks(alignment_quirks(c.profile)),
        prototype_layer(register_module(
            "prototype_layer", torch::nn::Linear(torch::nn::LinearOptions(c.width, c.prototypes).bias(false)))) {}

  CpaOutput forward(const Embeddings& image, const Embeddings& text) {
    const auto scope = ops::exact_scope(image.global);
    const auto prototypes = unit_prototypes();                              // (K, E)
    const auto image_scores = ops::exact(image.global).mm(prototypes.t());  // (B, K)
    const auto text_scores = ops::exact(text.global).mm(prototypes.t());    // (B, K)
    const ops::SinkhornOptions balance{.iterations = config.iterations, .epsilon = config.epsilon};
    const auto image_codes = ops::sinkhorn(image_scores, balance);
    const auto text_codes = ops::sinkhorn(text_scores, balance);
    const auto image_to_text = swapped_prediction(image_codes, text_scores);
    const auto text_to_image = swapped_prediction(text_codes, image_scores);
    return {.prototypes = prototypes,
            .image_scores = image_scores,
            .text_scores = text_scores,
            .image_codes = image_codes,
            .text_codes = text_codes,
            .image_to_text = image_to_text,
            .text_to_image = text_to_image,
            .loss = (image_to_text + text_to_image) / 2};
  }

  // Without a gradient the optimiser skips the tensor altogether, weight decay included.
  void drop_gradient() { prototype_layer->weight.mutable_grad() = Tensor(); }

  const Config config;
  const AlignmentQuirks quirks;
  torch::nn::Linear prototype_layer;

 private:
  // In training the parameter itself becomes its row-normalised version and receives the gradient. Evaluation scores
  // with a normalised copy without gradient, unless the profile overwrites there too.
  Tensor unit_prototypes() {
    auto& weight = prototype_layer->weight;
    const auto unit = ops::unit(weight.detach());
    if (!prototype_layer->is_training() && !quirks.prototypes_always_renormalised) return unit;
    const torch::NoGradGuard no_grad;
    weight.copy_(unit);
    return weight;
  }

  [[nodiscard]] Tensor swapped_prediction(const Tensor& codes, const Tensor& scores) const {
    const auto predicted = (scores / config.temperature).log_softmax(1);  // (B, K)
    return -(codes * predicted).sum(1).mean();
  }
};
using Cpa = Handle<CpaImpl>;

}  // namespace mgca

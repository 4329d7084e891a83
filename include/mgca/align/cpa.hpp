// Cross-modal prototype alignment (CPA): an image predicts the disease group its report belongs to, and the reverse.
// Reference: MGCA, section 3.4, equations 8 to 10; swapped prediction of SwAV, Caron et al. 2020.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/ops/sinkhorn.hpp>
#include <mgca/ops/unit.hpp>
#include <mgca/tensor/torch.hpp>

namespace mgca::align {

struct CpaLoss {
  Tensor image_scores, text_scores;  // (B, K) cosine with each prototype
  Tensor image_log_probabilities;    // (B, K) of each prototype, from the scores over the temperature
  Tensor text_log_probabilities;
  Tensor image_codes, text_codes;    // (B, K) balanced assignments, without gradient
  Tensor image_to_text;              // scalar: text probabilities against image codes
  Tensor text_to_image;

  [[nodiscard]] Tensor value() const { return (image_to_text + text_to_image) / 2; }
};

// Unit rows: image and text (B, D), prototypes (K, D).
[[nodiscard]] inline CpaLoss cpa(const Tensor& image, const Tensor& text, const Tensor& prototypes, double temperature,
                                 const ops::SinkhornOptions& assignment) {
  MGCA_CHECK(image.dim() == 2 && image.sizes() == text.sizes() && prototypes.dim() == 2 && prototypes.size(1) == image.size(1),
             "cpa: expected images and reports (B, D) and prototypes (K, D), got ", image.sizes(), ", ", text.sizes(), " and ", prototypes.sizes());
  MGCA_CHECK(temperature > 0, "cpa: temperature must be positive, got ", temperature);
  const auto scope = ops::exact_scope(image);
  CpaLoss out{.image_scores = ops::exact(image).mm(prototypes.t()), .text_scores = ops::exact(text).mm(prototypes.t())};
  out.image_codes = ops::sinkhorn(out.image_scores, assignment);
  out.text_codes = ops::sinkhorn(out.text_scores, assignment);
  out.image_log_probabilities = (out.image_scores / temperature).log_softmax(1);
  out.text_log_probabilities = (out.text_scores / temperature).log_softmax(1);
  out.image_to_text = -(out.image_codes * out.text_log_probabilities).sum(1).mean();
  out.text_to_image = -(out.text_codes * out.image_log_probabilities).sum(1).mean();
  return out;
}

}  // namespace mgca::align

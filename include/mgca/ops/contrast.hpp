// Symmetric contrast between the two views of each sample: B pairs, everything else in the batch is a negative.
// Reference: van den Oord et al. 2018 (InfoNCE); both directions as in ConVIRT, Zhang et al. 2020.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/ops/unit.hpp>

#include <algorithm>
#include <cstdint>

namespace mgca::ops {

struct ContrastOptions {
  double temperature = 0.07;
};

struct Contrast {
  Tensor logits;         // (B, B) images in rows, texts in columns
  Tensor image_to_text;  // scalar, mean cross-entropy of the rows
  Tensor text_to_image;  // scalar, mean cross-entropy of the columns
  Tensor loss;           // scalar, their sum
};

[[nodiscard]] inline Contrast contrast(const Tensor& images,  // (B, D) unit rows
                                       const Tensor& texts,   // (B, D) unit rows, row b belongs to image b
                                       const ContrastOptions& options = {}) {
  MGCA_CHECK(images.dim() == 2 && images.sizes() == texts.sizes(), "contrast: expected two matrices (B, D), got ",
             images.sizes(), " and ", texts.sizes());
  MGCA_CHECK(options.temperature > 0, "contrast: temperature must be positive, got ", options.temperature);
  const auto scope = exact_scope(images);
  const auto logits = exact(images).mm(exact(texts).t()) / options.temperature;  // (B, B)
  const auto own = logits.diagonal();
  const auto image_to_text = (logits.logsumexp(1) - own).mean();
  const auto text_to_image = (logits.logsumexp(0) - own).mean();
  return {.logits = logits,
          .image_to_text = image_to_text,
          .text_to_image = text_to_image,
          .loss = image_to_text + text_to_image};
}

// Percentage of rows whose own column is among the k largest, a scalar without gradient; k above B means B.
// Equal logits rank by column, so a collapsed model scores as by chance and every device agrees.
[[nodiscard]] inline Tensor top_k_accuracy(const Tensor& logits,  // (B, B)
                                           int64_t k) {
  const torch::NoGradGuard no_grad;
  MGCA_CHECK(logits.dim() == 2 && logits.size(0) == logits.size(1) && k > 0,
             "top_k_accuracy: expected a square matrix and k > 0, got ", logits.sizes(), " and k = ", k);
  const auto own = logits.diagonal().unsqueeze(1);  // (B, 1)
  const auto tied_before = logits.eq(own).tril(-1);
  const auto rank = logits.gt(own).logical_or(tied_before).sum(1);  // (B)
  return rank.lt(std::min(k, logits.size(0))).to(torch::kFloat32).mean() * 100;
}

// Mean of both directions.
[[nodiscard]] inline Tensor retrieval_accuracy(const Tensor& logits, int64_t k) {
  return (top_k_accuracy(logits, k) + top_k_accuracy(logits.t(), k)) / 2;
}

}  // namespace mgca::ops

// Instance-level alignment: an image and its own report find each other in the batch.
// Reference: MGCA, Wang et al. 2022, section 3.2.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/ops/contrast.hpp>

#include <utility>

namespace mgca {

struct ItaOutput {
  ops::Contrast contrast;
  Tensor accuracy_1;  // scalar, percent, mean of both directions
  Tensor accuracy_5;
};

namespace align {

[[nodiscard]] inline ItaOutput ita(const Embeddings& image, const Embeddings& text,
                                   const ops::ContrastOptions& options = {}) {
  auto contrast = ops::contrast(image.global, text.global, options);
  const auto accuracy_1 = ops::retrieval_accuracy(contrast.logits, 1);
  const auto accuracy_5 = ops::retrieval_accuracy(contrast.logits, 5);
  return {.contrast = std::move(contrast), .accuracy_1 = accuracy_1, .accuracy_5 = accuracy_5};
}

}  // namespace align

}  // namespace mgca

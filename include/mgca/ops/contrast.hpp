// Contrast between images and reports of a batch: each must find its own partner among all others.
// Reference: InfoNCE, van den Oord et al. 2018; the symmetric form of ConVIRT, Zhang et al. 2020, and CLIP.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/torch.hpp>

#include <algorithm>

namespace mgca::ops {

struct Contrast {
  Tensor logits;         // (B, B) cosine over temperature, images in rows
  Tensor image_to_text;  // scalar loss
  Tensor text_to_image;  // scalar loss

  [[nodiscard]] Tensor sum() const { return image_to_text + text_to_image; }
};

// The mean cross-entropy of finding the diagonal in each row.
[[nodiscard]] inline Tensor diagonal_loss(const Tensor& logits) {  // (..., N, N)
  return (logits.logsumexp(-1) - logits.diagonal(0, -2, -1)).mean();
}

// Unit rows (B, D) each; losses in single precision whatever the input.
[[nodiscard]] inline Contrast contrast(const Tensor& image, const Tensor& text, double temperature) {
  MGCA_CHECK(image.sizes() == text.sizes(), "contrast: expected as many images as reports of one width, got ", image.sizes(), " and ", text.sizes());
  const auto logits = image.mm(text.t()).to(torch::promote_types(image.scalar_type(), torch::kFloat32)) / temperature;  // (B, B)
  return {.logits = logits, .image_to_text = diagonal_loss(logits), .text_to_image = diagonal_loss(logits.t())};
}

// Share of rows whose diagonal is among the k largest, k limited to B; without gradient.
[[nodiscard]] inline Tensor top_k_accuracy(const Tensor& logits, int64_t k) {
  const torch::NoGradGuard no_grad;
  const auto best = std::get<1>(logits.topk(std::min(k, logits.size(1)), 1));  // (B, k)
  const auto own = torch::arange(logits.size(0), best.options()).unsqueeze(1);
  return best.eq(own).any(1).to(torch::kFloat32).mean();
}

// Both directions' mean, in [0, 1].
[[nodiscard]] inline Tensor pairing_accuracy(const Tensor& logits, int64_t k) {
  return (top_k_accuracy(logits, k) + top_k_accuracy(logits.t(), k)) / 2;
}

}  // namespace mgca::ops

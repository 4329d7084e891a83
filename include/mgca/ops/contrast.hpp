// Contrast between images and reports of a batch: each must find its own partner among all others.
// Reference: InfoNCE, van den Oord et al. 2018; the symmetric form of ConVIRT, Zhang et al. 2020, and CLIP.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/ops/unit.hpp>

#include <algorithm>

namespace mgca::ops {

struct Contrast {
  Tensor logits;         // (B, B) similarities, images in rows
  Tensor image_to_text;  // scalar loss
  Tensor text_to_image;  // scalar loss

  [[nodiscard]] Tensor sum() const { return image_to_text + text_to_image; }
};

// The mean cross-entropy of finding the diagonal in each row.
[[nodiscard]] inline Tensor diagonal_loss(const Tensor& logits) {  // (..., N, N)
  return (logits.logsumexp(-1) - logits.diagonal(0, -2, -1)).mean();
}

// Of similarities however they came about: (B, B), images in rows.
[[nodiscard]] inline Contrast contrast_of(const Tensor& logits) {
  return {.logits = logits, .image_to_text = diagonal_loss(logits), .text_to_image = diagonal_loss(logits.t())};
}

namespace detail {
inline void check_pairs(const Tensor& image, const Tensor& text) {
  MGCA_CHECK(image.dim() == 2 && image.sizes() == text.sizes(), "contrast: expected as many images as reports, both (B, D), got ",
             image.sizes(), " and ", text.sizes());
}
}  // namespace detail

// Unit rows (B, D) each; losses in single precision whatever the input.
[[nodiscard]] inline Contrast contrast(const Tensor& image, const Tensor& text, double temperature) {
  detail::check_pairs(image, text);
  MGCA_CHECK(temperature > 0, "contrast: temperature must be positive, got ", temperature);
  const auto scope = exact_scope(image);
  return contrast_of((exact(image) / temperature).mm(exact(text).t()));  // (B, B)
}

// The same with a learned factor in place of 1 / temperature: `scale` is a scalar, or one number, with its gradient.
[[nodiscard]] inline Contrast contrast(const Tensor& image, const Tensor& text, const Tensor& scale) {
  detail::check_pairs(image, text);
  MGCA_CHECK(scale.numel() == 1, "contrast: expected one scale, got a tensor ", scale.sizes());
  const auto scope = exact_scope(image);
  return contrast_of((exact(image) * exact(scale)).mm(exact(text).t()));
}

// Share of rows whose diagonal is among the k largest, k limited to B; without gradient. Equal
// logits rank by column, so that a collapsed model scores as by chance on every device.
[[nodiscard]] inline Tensor top_k_accuracy(const Tensor& logits, int64_t k) {
  const torch::NoGradGuard no_grad;
  const auto own = logits.diagonal().unsqueeze(1);  // (B, 1)
  const auto rank = logits.gt(own).logical_or(logits.eq(own).tril(-1)).sum(1);  // (B) entries ahead of the own one
  return rank.lt(std::min(k, logits.size(1))).to(torch::kFloat32).mean();
}

// The same where the right one is in column 0 of every row: (B, N) logits, k limited to N. Ties count against it.
[[nodiscard]] inline Tensor first_column_accuracy(const Tensor& logits, int64_t k) {
  const torch::NoGradGuard no_grad;
  const auto rank = logits.slice(1, 1).ge(logits.slice(1, 0, 1)).sum(1);  // (B) others ahead of the right one
  return rank.lt(std::min(k, logits.size(1))).to(torch::kFloat32).mean();
}

// Both directions' mean, in [0, 1].
[[nodiscard]] inline Tensor pairing_accuracy(const Tensor& logits, int64_t k) {
  return (top_k_accuracy(logits, k) + top_k_accuracy(logits.t(), k)) / 2;
}

}  // namespace mgca::ops

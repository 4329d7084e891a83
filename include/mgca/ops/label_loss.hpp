// Cross-entropy of classes that are each present, absent or unknown.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/ops/unit.hpp>

namespace mgca::ops {

// The mean binary cross-entropy over all labels that are known. Logits and labels (B, C) with 1 present, 0 absent, NaN unknown -> scalar;
// 0 where nothing is known. In single precision at least. `count`: a scalar to divide by in place of the number of known labels, of those that
// share one mean; undefined: none.
[[nodiscard]] inline Tensor label_loss(const Tensor& logits, const Tensor& labels, const Tensor& count = {}) {
  MGCA_CHECK(logits.sizes() == labels.sizes(), "label_loss: expected one logit for each label, got ", logits.sizes(), " and ", labels.sizes());
  const auto scope = exact_scope(logits);
  const auto known = labels.isfinite();
  const auto target = torch::where(known, labels, torch::zeros_like(labels));
  const auto each = torch::binary_cross_entropy_with_logits(exact(logits), target, {}, {}, at::Reduction::None);
  return (each * known).sum() / (count.defined() ? count : known.sum().clamp_min(1));
}

}  // namespace mgca::ops

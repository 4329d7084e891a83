// NT-Xent: of two views of each picture, every view must find its partner among all other views of the batch.
// Reference: SimCLR, Chen et al. 2020, equation 1.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/ops/unit.hpp>

#include <limits>

namespace mgca::ops {

struct NtXent {
  Tensor logits;    // (2B, 2B) cosine over temperature, the first views before the second; the diagonal takes no part
  Tensor row_loss;  // (2B) cross-entropy of finding the partner

  [[nodiscard]] Tensor value() const { return row_loss.mean(); }
};

// Unit rows (B, D) each; losses in single precision whatever the input. One picture alone costs nothing.
[[nodiscard]] inline NtXent nt_xent(const Tensor& first, const Tensor& second, double temperature) {
  MGCA_CHECK(first.dim() == 2 && first.sizes() == second.sizes() && first.size(0) > 0,
             "nt_xent: expected two views of every picture, both (B, D), B at least 1, got ", first.sizes(), " and ", second.sizes());
  MGCA_CHECK(temperature > 0, "nt_xent: temperature must be positive, got ", temperature);
  const auto scope = exact_scope(first);
  const auto views = torch::cat({exact(first), exact(second)});          // (2B, D)
  const auto logits = (views / temperature).mm(views.t());               // (2B, 2B)
  const auto own = torch::eye(views.size(0), views.options().dtype(torch::kBool));
  const auto others = logits.masked_fill(own, -std::numeric_limits<double>::infinity());  // a row always keeps its partner
  const auto partner = logits.diagonal(first.size(0));                   // (B), the same in both directions
  return {.logits = logits, .row_loss = others.logsumexp(1) - torch::cat({partner, partner})};
}

}  // namespace mgca::ops

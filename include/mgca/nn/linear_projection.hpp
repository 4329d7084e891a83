// Heads of one layer: features to the space in which images and reports are compared.
// Reference: CLIP, Radford et al. 2021 (no bias); GLoRIA, Huang et al. 2021 (no bias for regions: a 1x1 convolution is the same
// product for every row).
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/handle.hpp>

namespace mgca {

struct LinearProjectionConfig {
  int64_t in = 768;
  int64_t out = 512;
};

namespace detail {

template <bool has_bias>
struct LinearProjectionImpl : torch::nn::LinearImpl {
  using Config = LinearProjectionConfig;
  explicit LinearProjectionImpl(const Config& c) : LinearImpl(torch::nn::LinearOptions(c.in, c.out).bias(has_bias)) {}

  // (..., in) -> (..., out), not normalised. Rows outside `valid` (...) bool come out as 0.
  Tensor forward(const Tensor& x, const Tensor& valid = {}) {
    MGCA_CHECK(x.dim() >= 2 && x.size(-1) == options.in_features(), "projection: expected features (..., ", options.in_features(), "), got ", x.sizes(),
               "; build the head with .in = their width");
    const auto out = LinearImpl::forward(x);
    return valid.defined() ? out * valid.unsqueeze(-1) : out;
  }
};

}  // namespace detail

using LinearProjection = Handle<detail::LinearProjectionImpl<true>>;
using UnbiasedProjection = Handle<detail::LinearProjectionImpl<false>>;

}  // namespace mgca

// Batch normalisation over rows of channels, optionally over some of the rows only.
// Padding must not shift the statistics of words; which rows count is decided on the device, so nothing waits for it.
// With fewer than two counted rows there is no variance: the running statistics are used and left alone.
#pragma once

#include <mgca/tensor/handle.hpp>

namespace mgca {

struct TokenNormConfig {
  int64_t width = 128;
  bool affine = true;  // learn scale and shift
  double epsilon = 1e-5;
  double momentum = 0.1;
};

struct TokenNormImpl : torch::nn::Module {
  using Config = TokenNormConfig;

  explicit TokenNormImpl(const Config& c) : config_(c) {
    if (c.affine) {
      weight = register_parameter("weight", torch::ones({c.width}));
      bias = register_parameter("bias", torch::zeros({c.width}));
    }
    running_mean = register_buffer("running_mean", torch::zeros({c.width}));
    running_var = register_buffer("running_var", torch::ones({c.width}));
    num_batches_tracked = register_buffer("num_batches_tracked", torch::zeros({}, torch::kLong));
  }

  Tensor forward(const Tensor& x, const Tensor& valid = {}) {  // (..., width); valid (...) bool
    const auto rows = x.flatten(0, -2);                        // (R, width)
    if (!is_training()) return normalised(rows, running_mean, running_var).view(x.sizes());
    if (!valid.defined() && rows.size(0) >= 2) {
      num_batches_tracked.add_(1);
      return torch::batch_norm(rows, weight, bias, running_mean, running_var, /*training=*/true, config_.momentum,
                               config_.epsilon, /*cudnn_enabled=*/true)
          .view(x.sizes());
    }
    const auto counted = valid.defined() ? valid.flatten() : torch::ones({rows.size(0)}, rows.options().dtype(torch::kBool));
    return masked(rows.to(torch::promote_types(rows.scalar_type(), torch::kFloat32)), counted).view(x.sizes());
  }

  Tensor weight, bias, running_mean, running_var, num_batches_tracked;

 private:
  Tensor normalised(const Tensor& rows, const Tensor& mean, const Tensor& variance) const {
    auto y = (rows - mean) * (variance + config_.epsilon).rsqrt();
    return config_.affine ? y * weight + bias : y;
  }

  Tensor masked(const Tensor& rows, const Tensor& counted) {
    const auto share = counted.to(rows.dtype()).unsqueeze(1);      // (R, 1)
    const auto count = share.sum();                                // N
    const auto enough = count >= 2;
    const auto divisor = count.clamp_min(1);
    const auto mean = (rows * share).sum(0) / divisor;             // (width)
    const auto variance = ((rows - mean).square() * share).sum(0) / divisor;
    {
      const torch::NoGradGuard no_grad;
      const auto unbiased = variance.detach() * (count / (count - 1).clamp_min(1));
      const auto rate = enough.to(rows.dtype()) * config_.momentum;  // 0: the running statistics stay
      running_mean.lerp_(mean.detach().to(running_mean.dtype()), rate.to(running_mean.dtype()));
      running_var.lerp_(unbiased.to(running_var.dtype()), rate.to(running_var.dtype()));
      num_batches_tracked.add_(enough.to(torch::kLong));
    }
    return normalised(rows, torch::where(enough, mean, running_mean), torch::where(enough, variance, running_var));
  }

  Config config_;
};
using TokenNorm = Handle<TokenNormImpl>;

}  // namespace mgca

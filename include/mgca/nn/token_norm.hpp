// Batch normalisation over rows of channels, optionally over some of the rows only.
// Padding must not shift the statistics of words; which rows count is decided on the device, so nothing waits for it.
// With fewer than two counted rows there is no variance: the running statistics are used and left alone.
// Where ranks share statistics, the rows are those of all of them.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/nn/batch_norm.hpp>
#include <mgca/ops/unit.hpp>  // exact, exact_scope
#include <mgca/tensor/handle.hpp>

namespace mgca {

struct TokenNormConfig {
  int64_t width = 128;
  bool affine = true;  // learn scale and shift
  double epsilon = 1e-5;
  double momentum = 0.1;
};

struct TokenNormImpl : torch::nn::Module, SynchronisedNorm {
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
    MGCA_CHECK(x.dim() >= 2 && x.size(-1) == config_.width, "token_norm: expected rows of ", config_.width, " channels, got ", x.sizes());
    MGCA_CHECK(!valid.defined() || valid.sizes() == x.sizes().slice(0, x.sizes().size() - 1), "token_norm: expected one `valid` for each row of ",
               x.sizes(), ", got ", valid.sizes());
    const auto rows = x.flatten(0, -2);  // (R, width)
    const bool whole = !valid.defined() && (others() != nullptr || rows.size(0) >= 2);
    if (whole || !is_training()) {
      if (is_training()) num_batches_tracked.add_(1);
      if (is_training() && others() != nullptr) return detail::joined_batch_norm(rows, state(), *others()).view(x.sizes());
      return torch::batch_norm(rows, weight, bias, running_mean, running_var, is_training(), config_.momentum, config_.epsilon,
                               /*cudnn_enabled=*/true)
          .view(x.sizes());
    }
    const auto counted = valid.defined() ? valid.flatten() : torch::ones({rows.size(0)}, rows.options().dtype(torch::kBool));
    return masked(rows, counted).view(x.sizes());
  }

  Tensor weight, bias, running_mean, running_var, num_batches_tracked;

 private:
  [[nodiscard]] detail::NormState state() const {
    return {.weight = weight, .bias = bias, .running_mean = running_mean, .running_var = running_var, .momentum = config_.momentum, .epsilon = config_.epsilon};
  }

  // Sums over rows are products with the row of shares, so that each reads the rows once; over ranks they are added up.
  Tensor masked(const Tensor& any, const Tensor& counted) {
    const auto scope = ops::exact_scope(any);
    const auto rows = ops::exact(any);
    const auto share = counted.to(rows.dtype()).unsqueeze(0);  // (1, R)
    const auto sums = summed(torch::cat({share.mm(rows), share.sum().view({1, 1})}, 1), others()).squeeze(0);  // (width + 1)
    const auto count = sums[config_.width].detach();           // N
    const auto enough = count >= 2;
    const auto divisor = count.clamp_min(1);
    const auto mean = sums.narrow(0, 0, config_.width) / divisor;  // (width)
    const auto centred = rows - torch::where(enough, mean, running_mean);
    const auto variance = summed(share.mm(centred.square()), others()).squeeze(0) / divisor;
    {
      const torch::NoGradGuard no_grad;
      const auto unbiased = variance.detach() * (count / (count - 1).clamp_min(1));
      const auto rate = enough.to(rows.dtype()) * config_.momentum;  // 0: the running statistics stay
      running_mean.lerp_(mean.detach().to(running_mean.dtype()), rate.to(running_mean.dtype()));
      running_var.lerp_(unbiased.to(running_var.dtype()), rate.to(running_var.dtype()));
      num_batches_tracked.add_(enough.to(torch::kLong));
    }
    const auto scale = (torch::where(enough, variance, running_var) + config_.epsilon).rsqrt();
    return config_.affine ? torch::addcmul(bias, centred, scale * weight) : centred * scale;
  }

  Config config_;
};
using TokenNorm = Handle<TokenNormImpl>;

}  // namespace mgca

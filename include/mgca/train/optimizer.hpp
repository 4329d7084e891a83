// AdamW on the fused kernel, with its state under the names of the parameters.
// A parameter without gradient is left alone entirely: no update, no decay, no state.
// Reference: Loshchilov and Hutter 2019; semantics of torch.optim.AdamW.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/optim.hpp>
#include <mgca/tensor/precision.hpp>
#include <mgca/tensor/state_dict.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

struct AdamWConfig {
  double weight_decay = 0.05;  // of every parameter, biases and norms included, as published
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double clip_norm = 0;        // longest allowed gradient over all parameters; 0: no limit

  static void describe(auto& self, auto&& field) {
    field("weight_decay", self.weight_decay, "decoupled decay of every parameter");
    field("beta1", self.beta1, "memory of the gradient's mean");
    field("beta2", self.beta2, "memory of the gradient's square");
    field("epsilon", self.epsilon, "added to the denominator");
    field("clip_norm", self.clip_norm, "longest allowed gradient over all parameters; 0: no limit");
  }
  void validate() const {
    MGCA_CHECK(weight_decay >= 0 && epsilon > 0 && clip_norm >= 0, "adamw: expected weight_decay >= 0, epsilon > 0, clip_norm >= 0, got ",
               weight_decay, ", ", epsilon, ", ", clip_norm);
    MGCA_CHECK(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1, "adamw: betas must lie in [0, 1), got ", beta1, " and ", beta2);
  }
};

class AdamW {
 public:
  // Keeps references to the module's parameters that require a gradient. Precision::f16 scales the loss.
  AdamW(const torch::nn::Module& module, const AdamWConfig& config, Precision precision = Precision::f32) : config_((config.validate(), config)) {
    for (const auto& item : module.named_parameters()) {
      if (item.value().requires_grad()) parameters_.push_back({item.key(), item.value()});
    }
    MGCA_CHECK(!parameters_.empty(), "adamw: the module has no parameter that requires a gradient");
    const auto options = parameters_.front().value.options().dtype(torch::kFloat32).requires_grad(false);
    found_inf_ = torch::zeros({}, options);
    counts_ = torch::zeros({4}, options);
    scale_ = torch::full({}, precision == Precision::f16 ? 65536.0 : 1.0, options);
    growth_ = torch::zeros({}, options.dtype(torch::kInt32));
    scales_loss_ = precision == Precision::f16;
  }

  // The loss to call backward on.
  [[nodiscard]] Tensor scaled(const Tensor& loss) const { return scales_loss_ ? loss * scale_ : loss; }

  // One update with the gradients at hand. A gradient that is not finite changes nothing but the count of skipped steps,
  // decided on the device.
  void step(double rate) {
    const torch::NoGradGuard no_grad;
    found_inf_.zero_();
    if (const Lists l = lists(); !l.parameters.empty()) {
      at::_amp_foreach_non_finite_check_and_unscale_(l.gradients, found_inf_, scale_.reciprocal());
      if (config_.clip_norm > 0) {
        const auto length = torch::stack(at::_foreach_norm(l.gradients, 2)).norm(2);
        at::_foreach_mul_(l.gradients, (config_.clip_norm / (length + 1e-6)).clamp_max(1.0));
      }
      at::_foreach_add_(l.steps, 1);
      at::_fused_adamw_(l.parameters, l.gradients, l.means, l.squares, /*max_exp_avg_sqs=*/{}, l.steps, rate, config_.beta1, config_.beta2,
                        config_.weight_decay, config_.epsilon, /*amsgrad=*/false, /*maximize=*/false, /*grad_scale=*/{}, found_inf_);
      at::_foreach_sub_(l.steps, std::vector<Tensor>(l.steps.size(), found_inf_));
    }
    count();
    if (scales_loss_) at::_amp_update_scale_(scale_, growth_, found_inf_, 2.0, 0.5, 2000);
  }

  void zero_grad() {
    for (auto& parameter : parameters_) parameter.value.mutable_grad().reset();
  }

  // (3) float, on the device: steps skipped in all; in a row until now, without those a smaller loss scale may still cure; and
  // which step was the last of them, counted from 1.
  [[nodiscard]] Tensor skipped() const { return counts_.slice(0, 1); }
  // Scalar bool, on the device: was the last step skipped?
  [[nodiscard]] Tensor skipped_now() const { return found_inf_.gt(0); }

  // exp_avg.NAME, exp_avg_sq.NAME and step.NAME of every parameter that ever had a gradient, and the loss scale.
  [[nodiscard]] StateDict state() const {
    StateDict dict{{"counts", counts_}, {"scale", scale_}, {"growth", growth_}};
    for (const auto& [name, moments] : moments_) {
      dict.push_back({"exp_avg." + name, moments.mean});
      dict.push_back({"exp_avg_sq." + name, moments.square});
      dict.push_back({"step." + name, moments.steps});
    }
    return dict;
  }

  // Throws Error(data) for state that does not belong to these parameters.
  void load_state(const StateDict& dict) {
    const torch::NoGradGuard no_grad;
    std::map<std::string, Tensor> found;
    for (const auto& [name, value] : dict) found.emplace(name, value);
    const auto take = [&](const std::string& name, const Tensor& like) {
      const auto node = found.extract(name);
      if (node.empty()) fail(ErrorKind::data, "adamw: the saved state lacks '", name, "'");
      if (node.mapped().sizes() != like.sizes()) {
        fail(ErrorKind::data, "adamw: the saved '", name, "' has shape ", node.mapped().sizes(), ", expected ", like.sizes());
      }
      return node.mapped().to(like.options(), /*non_blocking=*/false, /*copy=*/true);
    };
    counts_ = take("counts", counts_);
    scale_ = take("scale", scale_);
    growth_ = take("growth", growth_);
    moments_.clear();
    for (const auto& [name, value] : parameters_) {
      if (!found.contains("step." + name)) continue;
      moments_[name] = {.mean = take("exp_avg." + name, value.detach()), .square = take("exp_avg_sq." + name, value.detach()), .steps = take("step." + name, scale_)};
    }
    if (!found.empty()) fail(ErrorKind::data, "adamw: the saved state names '", found.begin()->first, "', which is no parameter of this model");
  }

 private:
  struct Moments {
    Tensor mean, square, steps;
  };
  struct Lists {
    std::vector<Tensor> parameters, gradients, means, squares, steps;
  };

  void count() {
    const auto steps = counts_.select(0, 0), in_all = counts_.select(0, 1), in_a_row = counts_.select(0, 2), last = counts_.select(0, 3);
    steps.add_(1);
    in_all.add_(found_inf_);
    if (scales_loss_) in_a_row.add_(scale_.le(1));
    else in_a_row.add_(1);
    in_a_row.mul_(found_inf_);
    last.copy_(torch::where(skipped_now(), steps, last));
  }

  Lists lists() {
    Lists l;
    for (auto& [name, value] : parameters_) {
      if (!value.grad().defined()) continue;
      auto& moments = moments_[name];
      if (!moments.mean.defined()) {
        moments = {.mean = torch::zeros_like(value), .square = torch::zeros_like(value), .steps = torch::zeros_like(scale_)};
      }
      l.parameters.push_back(value);
      l.gradients.push_back(value.grad());
      l.means.push_back(moments.mean);
      l.squares.push_back(moments.square);
      l.steps.push_back(moments.steps);
    }
    return l;
  }

  AdamWConfig config_;
  StateDict parameters_;
  std::map<std::string, Moments> moments_;
  Tensor found_inf_, scale_, growth_;
  Tensor counts_;  // (4): steps, and what skipped() says
  bool scales_loss_ = false;
};

}  // namespace mgca

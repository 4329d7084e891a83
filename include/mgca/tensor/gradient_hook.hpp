// Tells when a backward pass has left a parameter's gradient, while the rest of the pass is still under way.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/torch.hpp>

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <functional>
#include <memory>
#include <utility>

namespace mgca {

// Calls `call(parameter)` after every backward pass that reaches the parameter, once its .grad is complete; the call may replace .grad.
// It comes on the thread that computes the parameter's gradients, and what it throws reaches the caller of backward().
// One hook per parameter, a leaf that requires a gradient; it ends with this object.
class GradientHook {
 public:
  GradientHook(Tensor parameter, std::function<void(Tensor&)> call) : parameter_(std::move(parameter)) {
    MGCA_CHECK(parameter_.requires_grad() && parameter_.is_leaf(), "gradient hook: expected a parameter that requires a gradient");
    MGCA_CHECK(torch::autograd::impl::post_acc_grad_hooks(parameter_) == nullptr, "gradient hook: the parameter has one already; end it first");
    torch::autograd::impl::set_post_acc_grad_hooks(parameter_, std::make_unique<Hook>(std::move(call)));
  }
  ~GradientHook() {
    if (parameter_.defined()) torch::autograd::impl::set_post_acc_grad_hooks(parameter_, nullptr);
  }
  GradientHook(GradientHook&& other) noexcept : parameter_(std::exchange(other.parameter_, Tensor())) {}
  GradientHook& operator=(GradientHook&&) = delete;

 private:
  struct Hook : torch::autograd::PostAccumulateGradHook {
    explicit Hook(std::function<void(Tensor&)> given) : call(std::move(given)) {}
    void operator()(const Tensor& parameter) override {
      auto same = parameter;
      call(same);
    }
    std::function<void(Tensor&)> call;
  };

  Tensor parameter_;
};

}  // namespace mgca

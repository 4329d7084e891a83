// Gradients against central differences, in double precision.
#pragma once

#include "catch.hpp"

#include <mgca/tensor/torch.hpp>

#include <functional>
#include <vector>

namespace mgca::test {

// `loss` maps the inputs (f64) to a scalar; every input's gradient must agree with differences of step 1e-6.
inline void check_gradients(const std::function<Tensor(const std::vector<Tensor>&)>& loss, std::vector<Tensor> inputs,
                            double tolerance = 1e-6) {
  for (auto& input : inputs) input = input.detach().clone().set_requires_grad(true);
  loss(inputs).backward();
  const torch::NoGradGuard no_grad;
  for (std::size_t which = 0; which < inputs.size(); ++which) {
    INFO("input " << which);
    REQUIRE(inputs[which].grad().defined());
    const auto grad = inputs[which].grad().flatten();
    auto flat = inputs[which].view({-1});
    for (int64_t i = 0; i < flat.numel(); ++i) {
      constexpr double step = 1e-6;
      const double before = flat[i].item<double>();
      flat[i] = before + step;
      const double above = loss(inputs).item<double>();
      flat[i] = before - step;
      const double below = loss(inputs).item<double>();
      flat[i] = before;
      INFO("element " << i);
      CHECK(grad[i].item<double>() == Approx((above - below) / (2 * step)).margin(tolerance).epsilon(1e-5));
    }
  }
}

}  // namespace mgca::test

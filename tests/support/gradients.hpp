// Claims about derivatives that tests of ops and modules share.
#pragma once

#include "catch.hpp"

#include <mgca/tensor/nn.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace mgca::test {

inline Tensor random_tensor(at::IntArrayRef shape, uint64_t seed) {
  torch::manual_seed(seed);
  return torch::randn(shape, torch::kFloat64);
}

// Whether the derivative of a scalar function at a point equals central differences.
template <class F>
bool gradient_is_right(F f, const Tensor& at) {
  auto x = at.detach().clone().requires_grad_();
  f(x).backward();
  auto moved = at.detach().clone();
  auto flat = moved.view(-1);
  const auto gradient = x.grad().reshape(-1);
  for (int64_t i = 0; i < flat.numel(); ++i) {
    const double value = flat[i].item<double>(), h = 1e-6;
    flat[i] = value + h;
    const double up = f(moved).template item<double>();
    flat[i] = value - h;
    const double down = f(moved).template item<double>();
    flat[i] = value;
    const double expected = (up - down) / (2 * h), got = gradient[i].item<double>();
    if (!(std::abs(expected - got) <= 1e-5 * std::max(1.0, std::abs(expected)))) return false;
  }
  return true;
}

// Norms make plain sums of their outputs constant; a random projection does not vanish.
inline Tensor projected(const Tensor& output) { return (output * torch::randn_like(output)).sum(); }

// The gradient of `loss` is finite and not all 0 at every parameter but those whose name ends as told.
inline void expect_gradients(const torch::nn::Module& module, const Tensor& loss, const std::vector<std::string>& without = {}) {
  loss.backward();
  REQUIRE_FALSE(module.named_parameters().is_empty());
  for (const auto& item : module.named_parameters()) {
    INFO(item.key());
    if (std::any_of(without.begin(), without.end(), [&](const auto& end) { return item.key().ends_with(end); })) continue;
    REQUIRE(item.value().grad().defined());
    CHECK(item.value().grad().isfinite().all().item<bool>());
    CHECK(item.value().grad().abs().sum().item<double>() > 0);
  }
}

}  // namespace mgca::test

// Claims about start weights.
#pragma once

#include "catch.hpp"

#include <mgca/tensor/torch.hpp>

#include <cmath>

namespace mgca::test {

// Mean, deviation and the shares within one and two deviations are those of a normal distribution of mean 0, up to five
// standard errors; nothing lies beyond seven deviations.
inline void expect_normal(const Tensor& weight, double deviation) {
  const auto w = weight.detach().to(torch::kFloat64).flatten() / deviation;
  const auto n = static_cast<double>(w.numel());
  REQUIRE(n >= 100);
  CHECK(std::abs(w.mean().item<double>()) < 5 / std::sqrt(n));
  CHECK(std::abs(w.std().item<double>() - 1) < 5 / std::sqrt(2 * n));
  for (const auto& [within, share] : {std::pair(1.0, 0.682689), std::pair(2.0, 0.954500)}) {
    const double seen = w.abs().lt(within).to(torch::kFloat64).mean().item<double>();
    CHECK(std::abs(seen - share) < 5 * std::sqrt(share * (1 - share) / n));
  }
  CHECK(w.abs().max().item<double>() < 7);
}

// All values lie within +-bound, reach for it, and have a uniform distribution's deviation.
inline void expect_uniform(const Tensor& weight, double bound) {
  const auto w = weight.detach().to(torch::kFloat64).flatten() / bound;
  const auto n = static_cast<double>(w.numel());
  REQUIRE(n >= 100);
  CHECK(w.abs().max().item<double>() <= 1 + 1e-6);
  CHECK(w.abs().max().item<double>() > 1 - 10 / n);
  CHECK(std::abs(w.mean().item<double>()) < 5 / std::sqrt(3 * n));
  CHECK(std::abs(w.square().mean().item<double>() - 1.0 / 3) < 5 * std::sqrt(4.0 / 45 / n));
}

}  // namespace mgca::test

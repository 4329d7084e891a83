#include "catch.hpp"
#include "gradient_check.hpp"

#include <mgca/ops/unit.hpp>

TEST_CASE("unit: vectors have length one and zero stays zero", "[ops][fast]") {
  auto x = torch::tensor({{3.0F, 4.0F}, {0.0F, 0.0F}}, torch::requires_grad());
  const auto y = mgca::ops::unit(x);
  CHECK(torch::allclose(y, torch::tensor({{0.6F, 0.8F}, {0.0F, 0.0F}})));
  y.slice(0, 0, 1).sum().backward();
  CHECK(x.grad().isfinite().all().item<bool>());
  CHECK(x.grad()[1].abs().sum().item<float>() == 0);
}

TEST_CASE("unit: gradient agrees with differences", "[ops][fast]") {
  torch::manual_seed(1);
  const auto target = torch::randn({3, 4}, torch::kFloat64);
  mgca::test::check_gradients([&](const auto& in) { return (mgca::ops::unit(in[0]) * target).sum(); },
                              {torch::randn({3, 4}, torch::kFloat64)});
}

TEST_CASE("unit: half-precision operands come back in single precision, inside autocast too", "[ops][fast]") {
  const mgca::AutocastScope autocast(mgca::Precision::bf16, torch::kCPU);
  const auto x = torch::randn({4, 256}).to(torch::kBFloat16);
  const auto y = mgca::ops::unit(x);
  CHECK(y.scalar_type() == torch::kFloat32);
  CHECK(torch::allclose(y.norm(2, -1), torch::ones({4}), 1e-6, 1e-6));
  CHECK(mgca::ops::exact(x.to(torch::kFloat64)).scalar_type() == torch::kFloat64);
  {
    const auto scope = mgca::ops::exact_scope(x);
    CHECK(torch::ones({2, 2}).mm(torch::ones({2, 2})).scalar_type() == torch::kFloat32);
  }
  CHECK(torch::ones({2, 2}).mm(torch::ones({2, 2})).scalar_type() == torch::kBFloat16);
}

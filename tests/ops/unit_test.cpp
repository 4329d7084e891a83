#include "golden.hpp"
#include "gradients.hpp"

#include <mgca/ops/unit.hpp>

using mgca::Tensor;
using mgca::test::random_tensor;
namespace ops = mgca::ops;

TEST_CASE("unit: embeddings equal the reference", "[ops][golden][fast]") {
  const mgca::test::Golden golden("mgca_vit_eval");
  for (const std::string name : {"image.global", "image.local", "text.global", "text.local"}) {
    golden.check(name, ops::unit(golden.expected.at(name + "_pre")));
  }
}

TEST_CASE("unit: length one along the last dimension, zero stays zero with a finite derivative", "[ops][fast]") {
  auto x = random_tensor({3, 4}, 13);
  x[1].zero_();
  x.requires_grad_();
  const auto y = ops::unit(x);
  CHECK(y.sizes() == x.sizes());
  CHECK(torch::allclose(y.norm(2, {-1}), torch::tensor({1.0, 0.0, 1.0}, torch::kFloat64)));
  (y * random_tensor({3, 4}, 14)).sum().backward();
  CHECK(x.grad().isfinite().all().item<bool>());
}

TEST_CASE("unit: the derivative is right, and lengths do not matter", "[ops][fast]") {
  const auto x = random_tensor({2, 3, 4}, 15), direction = random_tensor({2, 3, 4}, 16);
  CHECK(mgca::test::gradient_is_right([&](const Tensor& y) { return (ops::unit(y) * direction).sum(); }, x));
  CHECK(torch::allclose(ops::unit(x * 7), ops::unit(x)));
}

TEST_CASE("unit: half precision comes out in single, double stays double", "[ops][fast]") {
  const auto y = ops::unit(torch::full({2, 4}, 300.0, torch::kHalf));  // the square of 300 is beyond f16
  CHECK(y.scalar_type() == torch::kFloat32);
  CHECK(torch::allclose(y, torch::full({2, 4}, 0.5F)));
  CHECK(ops::exact(torch::zeros({1}, torch::kBFloat16)).scalar_type() == torch::kFloat32);
  CHECK(ops::exact(torch::zeros({1}, torch::kFloat64)).scalar_type() == torch::kFloat64);
}

TEST_CASE("exact_scope: products inside autocast are in single precision while it lives", "[ops][fast]") {
  const auto x = torch::ones({2, 2});
  const mgca::AutocastScope autocast(mgca::Precision::bf16, torch::kCPU);
  {
    const auto scope = ops::exact_scope(x);
    CHECK(x.mm(x).scalar_type() == torch::kFloat32);
  }
  CHECK(x.mm(x).scalar_type() == torch::kBFloat16);
}

#include "expect_error.hpp"
#include "gradients.hpp"

#include <mgca/ops/nt_xent.hpp>

using mgca::Tensor;
using mgca::test::random_tensor;
namespace ops = mgca::ops;

TEST_CASE("nt_xent: one step by hand", "[ops][fast]") {
  // Two pictures at right angles, both views alike: every view sees its partner at 1 and two others at 0, so each costs ln(1 + 2/e).
  const auto rows = torch::eye(2, torch::kFloat64);
  const auto found = ops::nt_xent(rows, rows, 1);
  CHECK(found.value().item<double>() == Approx(std::log1p(2 * std::exp(-1.0))));
  CHECK(found.logits.sizes() == at::IntArrayRef({4, 4}));
  CHECK(torch::allclose(found.row_loss, found.value().expand({4})));
}

TEST_CASE("nt_xent: exchanging the views changes nothing, one picture costs nothing, the derivative is right", "[ops][fast]") {
  const auto a = ops::unit(random_tensor({5, 8}, 1)), b = ops::unit(random_tensor({5, 8}, 2));
  CHECK(ops::nt_xent(a, b, 0.5).value().item<double>() == Approx(ops::nt_xent(b, a, 0.5).value().item<double>()));
  CHECK(ops::nt_xent(a.slice(0, 0, 1), b.slice(0, 0, 1), 0.1).value().item<double>() == Approx(0).margin(1e-12));
  CHECK(mgca::test::gradient_is_right([&](const Tensor& x) { return ops::nt_xent(ops::unit(x), b, 0.5).value(); }, random_tensor({5, 8}, 3)));
}

TEST_CASE("nt_xent: inside autocast the loss of f32 views does not change by a bit", "[ops][fast]") {
  const auto a = ops::unit(random_tensor({6, 32}, 1)).to(torch::kFloat32), b = ops::unit(random_tensor({6, 32}, 2)).to(torch::kFloat32);
  const auto outside = ops::nt_xent(a, b, 0.1).value();
  const mgca::AutocastScope autocast(mgca::Precision::bf16, torch::kCPU);
  CHECK(torch::equal(ops::nt_xent(a, b, 0.1).value(), outside));
}

TEST_CASE("nt_xent: unequal views, none, and a temperature of 0 are refused", "[ops][fast]") {
  const auto rows = torch::zeros({6, 16});
  mgca::test::expect_error([&] { (void)ops::nt_xent(rows, rows.slice(0, 0, 5), 0.5); }, {"[6, 16]", "[5, 16]"});
  mgca::test::expect_error([&] { (void)ops::nt_xent(rows.slice(0, 0, 0), rows.slice(0, 0, 0), 0.5); }, {"[0, 16]"});
  mgca::test::expect_error([&] { (void)ops::nt_xent(rows, rows, 0); }, {"temperature", "0"});
}

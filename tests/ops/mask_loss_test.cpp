#include "catch.hpp"
#include "expect_error.hpp"
#include "gradients.hpp"
#include "ranks.hpp"

#include <mgca/ops/mask_loss.hpp>

using mgca::test::random_tensor;
namespace ops = mgca::ops;

TEST_CASE("mask_loss: the documented example, and the plain variant of the same", "[ops][fast]") {
  const auto logits = torch::tensor({{2.0, -1.0}, {0.5, -3.0}}, torch::kFloat64),
             target = torch::tensor({{1.0, 0.0}, {0.0, 0.0}}, torch::kFloat64);
  const auto loss = ops::mask_loss(logits, target);
  CHECK(loss.focal.item<double>() == Approx(0.100495626).epsilon(1e-8));
  CHECK(loss.dice.item<double>() == Approx(0.723001628).epsilon(1e-8));
  CHECK(loss.total.item<double>() == Approx(1.329300066).epsilon(1e-8));
  CHECK(ops::mask_loss(logits, target, {.dice = ops::DiceTerm::one_minus}).total.item<double>() ==
        Approx(1.00495626 + 1 - 0.723001628).epsilon(1e-8));
  const auto soft = torch::tensor({{0.6, 0.0}, {0.3, 0.0}}, torch::kFloat64);
  CHECK(ops::mask_loss(logits, soft).focal.item<double>() == Approx(0.105295852).epsilon(1e-8));
}

TEST_CASE("mask_loss: its derivative is right, soft targets and ignored pixels included", "[ops][fast]") {
  auto target = random_tensor({2, 3, 3}, 1).sigmoid();
  target[0][1].fill_(std::nan(""));
  for (const auto term : {ops::DiceTerm::negative_log, ops::DiceTerm::one_minus}) {
    const auto total = [&](const mgca::Tensor& x) {
      return ops::mask_loss(x, target, {.focal_weight = 3, .gamma = 1.5, .dice = term}).total;
    };
    CHECK(mgca::test::gradient_is_right(total, random_tensor({2, 3, 3}, 2)));
  }
}

TEST_CASE("mask_loss: a pixel nobody decided has no part in loss and gradient", "[ops][fast]") {
  const auto logits = random_tensor({2, 4, 4}, 3), target = random_tensor({2, 4, 4}, 4).sigmoid();
  auto holes = target.clone();
  holes.slice(1, 2).fill_(std::nan(""));
  const auto whole = ops::mask_loss(logits.slice(1, 0, 2), target.slice(1, 0, 2));
  auto x = logits.clone().requires_grad_();
  const auto part = ops::mask_loss(x, holes);
  CHECK(part.total.item<double>() == Approx(whole.total.item<double>()));
  part.total.backward();
  CHECK(x.grad().slice(1, 2).abs().max().item<double>() == 0);
  CHECK(x.grad().slice(1, 0, 2).abs().min().item<double>() > 0);
  CHECK(ops::mask_loss(logits, torch::full_like(target, std::nan(""))).total.item<double>() == 0);
}

TEST_CASE("mask_loss: sure logits stay finite, half precision is left", "[ops][fast]") {
  const auto logits = torch::tensor({300.F, -300.F, 300.F, -300.F}, torch::kFloat32).requires_grad_();
  const auto loss = ops::mask_loss(logits, torch::tensor({1.F, 0.F, 0.F, 1.F}));
  loss.total.backward();
  CHECK((loss.total.isfinite().item<bool>() && logits.grad().isfinite().all().item<bool>()));
  CHECK(ops::mask_loss(torch::zeros({4}, torch::kHalf), torch::zeros({4})).total.scalar_type() == torch::kFloat32);
}

TEST_CASE("mask_loss: two shapes, no pixel and weights below 0 are refused", "[ops][fast]") {
  mgca::test::expect_error(
      [] {
        (void)ops::mask_loss(torch::zeros({2, 1, 4, 4}), torch::zeros({2, 4, 4}));
      },
      {"[2, 1, 4, 4]", "[2, 4, 4]"});
  mgca::test::expect_error([] { (void)ops::mask_loss(torch::zeros({0}), torch::zeros({0})); }, {"[0]"});
  mgca::test::expect_error([] { (void)ops::mask_loss(torch::zeros({2}), torch::zeros({2}), {.gamma = -1}); }, {"gamma", "-1"});
}

TEST_CASE("mask_loss: ranks with unequal parts of a batch get the loss of the whole, and their gradients' mean is its gradient", "[ops][fast]") {
  const auto logits = random_tensor({5, 3, 3}, 6);
  auto target = random_tensor({5, 3, 3}, 7).sigmoid();
  target[4].fill_(std::nan(""));  // of the last rank only a part is known
  target[1][0].fill_(std::nan(""));
  for (const auto term : {ops::DiceTerm::negative_log, ops::DiceTerm::one_minus}) {
    const auto whole = logits.clone().requires_grad_();
    const auto expected = ops::mask_loss(whole, target, {.dice = term});
    expected.total.backward();
    mgca::test::on_ranks(2, [&](mgca::ProcessGroup& group) {
      const auto from = group.rank() * 2, size = 2 + group.rank();
      const auto x = logits.narrow(0, from, size).clone().requires_grad_();
      const auto loss = ops::mask_loss(x, target.narrow(0, from, size), {.dice = term}, &group);
      mgca::test::require(loss.total.allclose(expected.total, 1e-12) && loss.focal.allclose(expected.focal, 1e-12), "loss");
      loss.total.backward();
      mgca::test::require((x.grad() / 2).allclose(whole.grad().narrow(0, from, size), 1e-10, 1e-14), "gradient");
    });
  }
}

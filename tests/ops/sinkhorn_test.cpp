#include "catch.hpp"
#include "expect_error.hpp"
#include "gradients.hpp"

#include <mgca/ops/sinkhorn.hpp>

using mgca::test::random_tensor;
namespace ops = mgca::ops;

TEST_CASE("sinkhorn: the documented example", "[ops][fast]") {
  const auto plan = ops::sinkhorn(torch::tensor({{0.9, 0.1, -0.2}, {0.2, 0.8, 0.0}}));
  CHECK(plan[0][0].item<float>() == Approx(0.940324354F).epsilon(1e-5));
  CHECK(plan[1][1].item<float>() == Approx(0.516383995F).epsilon(1e-5));
}

TEST_CASE("sinkhorn: there is a plan before the first round and after each, all of mass one", "[ops][fast]") {
  const auto scores = random_tensor({6, 4}, 2).tanh();
  for (const int64_t rounds : {0, 1, 5}) {
    const auto plans = ops::sinkhorn_plans(scores, {.iterations = rounds});
    REQUIRE(plans.size() == static_cast<std::size_t>(rounds) + 1);
    for (const auto& plan : plans) CHECK(plan.sum().item<double>() == Approx(1));
    for (std::size_t i = 1; i < plans.size(); ++i) CHECK(torch::allclose(plans[i].sum(1), torch::full({6}, 1.0 / 6, torch::kFloat64)));
    CHECK(torch::allclose(ops::sinkhorn(scores, {.iterations = rounds}), plans.back() / plans.back().sum(1, true)));
  }
}

TEST_CASE("sinkhorn: distributions in rows, balance in columns, whatever the order of samples", "[ops][fast]") {
  const auto scores = random_tensor({64, 8}, 1).tanh();
  const auto plan = ops::sinkhorn(scores, {.iterations = 100});
  CHECK(plan.sizes() == scores.sizes());
  CHECK(torch::allclose(plan.sum(1), torch::ones({64}, torch::kFloat64)));
  CHECK(torch::allclose(plan.sum(0), torch::full({8}, 8.0, torch::kFloat64), 1e-3, 1e-3));
  const auto order = torch::randperm(64);
  CHECK(torch::allclose(ops::sinkhorn(scores.index_select(0, order), {.iterations = 100}), plan.index_select(0, order)));
}

TEST_CASE("sinkhorn: no gradient, single precision at least", "[ops][fast]") {
  CHECK_FALSE(ops::sinkhorn(random_tensor({3, 4}, 2).requires_grad_()).requires_grad());
  const auto half = ops::sinkhorn(torch::full({3, 4}, 1.0, torch::kHalf));
  CHECK(half.scalar_type() == torch::kFloat32);
  CHECK(torch::allclose(half, torch::full({3, 4}, 0.25)));
}

TEST_CASE("sinkhorn: small epsilons and large scores stay finite", "[ops][fast]") {
  const auto scores = random_tensor({5, 7}, 5).to(torch::kFloat32);
  for (const double epsilon : {0.01, 0.005, 1e-4}) CHECK(ops::sinkhorn(scores, {.epsilon = epsilon}).isfinite().all().item<bool>());
  CHECK(ops::sinkhorn(scores * 1000).isfinite().all().item<bool>());
}

TEST_CASE("sinkhorn: other ranks, empty batches and options without meaning are refused", "[ops][fast]") {
  mgca::test::expect_error([] { (void)ops::sinkhorn(torch::zeros({3})); }, {"(B, K)", "[3]"});
  mgca::test::expect_error([] { (void)ops::sinkhorn(torch::zeros({0, 3})); }, {"[0, 3]"});
  mgca::test::expect_error([] { (void)ops::sinkhorn(torch::zeros({3, 3}), {.epsilon = 0}); }, {"epsilon", "0"});
  mgca::test::expect_error([] { (void)ops::sinkhorn(torch::zeros({3, 3}), {.iterations = -1}); }, {"iterations", "-1"});
}

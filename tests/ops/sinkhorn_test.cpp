#include "expect_error.hpp"
#include "golden.hpp"
#include "gradients.hpp"

#include <mgca/ops/sinkhorn.hpp>

using mgca::test::random_tensor;
namespace ops = mgca::ops;

TEST_CASE("sinkhorn: codes and every iteration equal the reference", "[ops][golden][fast]") {
  for (const std::string name : {"sinkhorn_small", "sinkhorn_odd", "sinkhorn_published"}) {
    const mgca::test::Golden golden(name);
    INFO(name);
    const auto& scores = golden.batch.at("scores");
    const ops::SinkhornOptions options{.iterations = golden.config["iterations"], .epsilon = golden.config["epsilon"]};
    golden.check("codes", ops::sinkhorn(scores, options));
    // After an iteration every sample gives 1/B, so the plan is the assignment over B; the published case keeps its sums only.
    for (int64_t i = 1; i <= options.iterations; ++i) {
      const auto plan = ops::sinkhorn(scores, {.iterations = i, .epsilon = options.epsilon}) / static_cast<double>(scores.size(0));
      if (name != "sinkhorn_published") golden.check("q_kb." + std::to_string(i), plan.t());
      golden.check("row_sums." + std::to_string(i), plan.sum(0));
      golden.check("col_sums." + std::to_string(i), plan.sum(1));
    }
  }
}

TEST_CASE("sinkhorn: the documented example", "[ops][fast]") {
  const auto plan = ops::sinkhorn(torch::tensor({{0.9, 0.1, -0.2}, {0.2, 0.8, 0.0}}));
  CHECK(plan[0][0].item<float>() == Approx(0.940324354F).epsilon(1e-5));
  CHECK(plan[1][1].item<float>() == Approx(0.516383995F).epsilon(1e-5));
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

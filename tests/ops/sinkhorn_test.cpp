#include "catch.hpp"
#include "expect_error.hpp"
#include "golden.hpp"

#include <mgca/ops/sinkhorn.hpp>

namespace ops = mgca::ops;

TEST_CASE("sinkhorn: every sample is fully assigned", "[ops][fast]") {
  const auto scores = torch::tensor({{0.9F, 0.1F, -0.2F}, {0.2F, 0.8F, 0.0F}});
  const auto codes = ops::sinkhorn(scores);
  const auto expected =
      torch::tensor({{0.940324354F, 2.8927005e-06F, 0.0596727535F}, {1.16065058e-07F, 0.516383995F, 0.483615888F}});
  CHECK(torch::allclose(codes.sum(1), torch::ones({2})));
  CHECK(torch::allclose(codes, expected, 2e-6, 1e-9));
}

TEST_CASE("sinkhorn: codes and every iteration equal the reference", "[ops][golden][fast]") {
  for (const std::string name : {"sinkhorn_small", "sinkhorn_odd", "sinkhorn_published"}) {
    const mgca::test::Golden golden(name);
    const auto& scores = golden.batch.at("scores");
    const double epsilon = golden.config["epsilon"];
    const int64_t iterations = golden.config["iterations"];
    golden.check("codes", ops::sinkhorn(scores, {.iterations = iterations, .epsilon = epsilon}));
    if (name == "sinkhorn_published") continue;  // holds the final codes alone
    for (int64_t i = 1; i <= iterations; ++i) {
      // After an iteration every sample gives mass 1/B, so the plan is the codes over B.
      const auto codes = ops::sinkhorn(scores, {.iterations = i, .epsilon = epsilon});
      golden.check("q_kb." + std::to_string(i), codes.t() / scores.size(0));
    }
  }
}

TEST_CASE("sinkhorn: permuting samples or prototypes permutes the codes", "[ops][fast]") {
  torch::manual_seed(1);
  const auto scores = torch::rand({6, 9}) * 2 - 1;
  const auto codes = ops::sinkhorn(scores);
  const auto rows = torch::randperm(6);
  const auto columns = torch::randperm(9);
  CHECK(torch::allclose(ops::sinkhorn(scores.index_select(0, rows).index_select(1, columns)),
                        codes.index_select(0, rows).index_select(1, columns), 1e-4, 1e-7));
}

TEST_CASE("sinkhorn: with many iterations the prototypes share the batch equally", "[ops][fast]") {
  torch::manual_seed(2);
  const auto scores = torch::rand({12, 4}, torch::kFloat64) * 2 - 1;
  const auto codes = ops::sinkhorn(scores, {.iterations = 500, .epsilon = 0.2});
  CHECK(torch::allclose(codes.sum(0), torch::full({4}, 3.0, torch::kFloat64), 1e-6, 1e-6));
}

TEST_CASE("sinkhorn: collapse is broken up", "[ops][fast]") {
  auto scores = torch::zeros({4, 2});
  scores.select(1, 0) += 1.0;  // everyone prefers prototype 0 equally
  CHECK(torch::allclose(ops::sinkhorn(scores), torch::full({4, 2}, 0.5F), 1e-4, 1e-4));
}

TEST_CASE("sinkhorn: extreme epsilons and scores stay finite, half precision is lifted", "[ops][fast]") {
  torch::manual_seed(3);
  const auto scores = torch::rand({5, 7}) * 2 - 1;
  CHECK(ops::sinkhorn(scores, {.epsilon = 1e-4}).isfinite().all().item<bool>());
  CHECK(ops::sinkhorn(scores * 1000).isfinite().all().item<bool>());
  const auto half = ops::sinkhorn(scores.to(torch::kBFloat16));
  CHECK(half.scalar_type() == torch::kFloat32);
  CHECK(torch::allclose(half.sum(1), torch::ones({5})));
  CHECK_FALSE(ops::sinkhorn(scores.clone().set_requires_grad(true)).requires_grad());
}

TEST_CASE("sinkhorn: empty batches and bad options are refused", "[ops][fast]") {
  mgca::test::expect_error([] { (void)ops::sinkhorn(torch::zeros({0, 3})); }, {"[0, 3]"});
  mgca::test::expect_error([] { (void)ops::sinkhorn(torch::zeros({2, 3}), {.epsilon = 0}); }, {"epsilon > 0"});
}

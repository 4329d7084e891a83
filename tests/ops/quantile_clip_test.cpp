#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/ops/quantile_clip.hpp>

#include <cmath>

namespace ops = mgca::ops;

TEST_CASE("quantile_clip: the hand-computed row", "[ops][fast]") {
  const auto weights = torch::tensor({{0.05, 0.1, 0.2, 0.25, 0.4}}, torch::kFloat64);
  const auto expected = torch::tensor({{0.07291667, 0.10416667, 0.20833333, 0.26041667, 0.35416667}}, torch::kFloat64);
  CHECK(torch::allclose(ops::quantile_clip(weights), expected, 0, 1e-8));
}

TEST_CASE("quantile_clip: absent entries play no part, wherever they stand", "[ops][fast]") {
  const auto weights = torch::tensor({{0.05, 9.0, 0.1, 0.2, 0.0, 0.25, 0.4}}, torch::kFloat64);
  const auto valid = torch::tensor({{1, 0, 1, 1, 0, 1, 1}}).to(torch::kBool);
  const auto expected =
      torch::tensor({{0.07291667, 0.0, 0.10416667, 0.20833333, 0.0, 0.26041667, 0.35416667}}, torch::kFloat64);
  CHECK(torch::allclose(ops::quantile_clip(weights, valid), expected, 0, 1e-8));
}

TEST_CASE("quantile_clip: agrees with the library's own quantile row by row", "[ops][fast]") {
  torch::manual_seed(7);
  const auto weights = torch::rand({6, 41}, torch::kFloat64);
  const auto low = weights.quantile(0.1, 1, true);
  const auto high = weights.quantile(0.9, 1, true);
  const auto clipped = weights.maximum(low).minimum(high);
  CHECK(torch::allclose(ops::quantile_clip(weights), clipped / clipped.sum(1, true), 1e-12, 1e-14));
}

TEST_CASE("quantile_clip: rows sum to one and order is kept", "[ops][fast]") {
  torch::manual_seed(8);
  const auto weights = torch::rand({5, 30});
  const auto counts = torch::tensor({30, 17, 3, 2, 1}).view({5, 1});
  const auto valid = torch::arange(30).unsqueeze(0).lt(counts);
  const auto clipped = ops::quantile_clip(weights, valid);
  CHECK(torch::allclose(clipped.sum(1), torch::ones({5})));
  const auto order = torch::randperm(30);
  CHECK(torch::allclose(ops::quantile_clip(weights.index_select(1, order), valid.index_select(1, order)),
                        clipped.index_select(1, order), 1e-6, 1e-7));
}

TEST_CASE("quantile_clip: degenerate rows have defined weights", "[ops][fast]") {
  const auto weights = torch::tensor({{0.3F, 5.0F, 1.0F}, {0.0F, 0.0F, 0.0F}, {1.0F, 2.0F, 3.0F}, {0.0F, 0.0F, 7.0F}});
  const auto valid = torch::tensor({{1, 0, 0}, {1, 1, 0}, {0, 0, 0}, {1, 1, 1}}).to(torch::kBool);
  const auto clipped = ops::quantile_clip(weights, valid);
  CHECK(torch::equal(clipped[0], torch::tensor({1.0F, 0.0F, 0.0F})));  // one entry
  CHECK(torch::equal(clipped[1], torch::tensor({0.5F, 0.5F, 0.0F})));  // a sum of zero
  CHECK(torch::equal(clipped[2], torch::zeros({3})));                  // nothing
  CHECK(torch::allclose(clipped[3], torch::tensor({0.0F, 0.0F, 1.0F})));
}

TEST_CASE("quantile_clip: carries no gradient and refuses bad quantiles", "[ops][fast]") {
  const auto weights = torch::rand({2, 4}, torch::requires_grad());
  CHECK_FALSE(ops::quantile_clip(weights).requires_grad());
  mgca::test::expect_error([&] { (void)ops::quantile_clip(weights, {}, {.low = 0.9, .high = 0.1}); },
                           {"low <= high", "0.9"});
}

TEST_CASE("quantile_clip: not-a-number is not hidden", "[ops][fast]") {
  auto weights = torch::rand({2, 4});
  weights[1][2] = std::nan("");
  const auto clipped = ops::quantile_clip(weights);
  CHECK(clipped[0].isfinite().all().item<bool>());
  CHECK(clipped[1].isnan().any().item<bool>());
}

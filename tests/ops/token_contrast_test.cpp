#include "catch.hpp"
#include "expect_error.hpp"
#include "gradient_check.hpp"

#include <mgca/ops/token_contrast.hpp>

#include <vector>

namespace ops = mgca::ops;

namespace {
mgca::Tensor first_valid(int64_t columns, std::vector<int64_t> counts) {
  const auto B = static_cast<int64_t>(counts.size());
  return torch::arange(columns).unsqueeze(0).lt(torch::tensor(counts).view({B, 1}));
}
}  // namespace

TEST_CASE("token_contrast: rows and columns are the cross-entropies of one matrix", "[ops][fast]") {
  torch::manual_seed(1);
  const auto tokens = ops::unit(torch::randn({2, 5, 8}));
  const auto others = ops::unit(torch::randn({2, 5, 8}));
  const auto out = ops::token_contrast(tokens, others, {.temperature = 0.2});
  const auto labels = torch::arange(5);
  for (int64_t b = 0; b < 2; ++b) {
    const auto similarity = tokens[b].mm(others[b].t()) / 0.2;
    const auto row = torch::cross_entropy_loss(similarity, labels, {}, at::Reduction::None);
    const auto column = torch::cross_entropy_loss(similarity.t(), labels, {}, at::Reduction::None);
    CHECK(torch::allclose(out.row[b], row, 1e-5, 1e-5));
    CHECK(torch::allclose(out.column[b], column, 1e-5, 1e-5));
  }
}

TEST_CASE("token_contrast: exchanging tokens and counterparts exchanges rows and columns", "[ops][fast]") {
  torch::manual_seed(2);
  const auto a = torch::randn({2, 4, 3});
  const auto b = torch::randn({2, 4, 3});
  CHECK(torch::allclose(ops::token_contrast(a, b).row, ops::token_contrast(b, a).column, 1e-5, 1e-4));
}

TEST_CASE("token_contrast: tokens that do not exist take no part", "[ops][fast]") {
  torch::manual_seed(3);
  auto tokens = torch::randn({2, 6, 4}, torch::requires_grad());
  const auto others = torch::randn({2, 6, 4});
  const auto valid = first_valid(6, {4, 0});
  const auto out = ops::token_contrast(tokens, others, {.valid = valid});
  const auto alone = ops::token_contrast(tokens.slice(1, 0, 4), others.slice(1, 0, 4));
  CHECK(torch::allclose(out.row[0].slice(0, 0, 4), alone.row[0], 1e-5, 1e-5));
  CHECK(torch::allclose(out.column[0].slice(0, 0, 4), alone.column[0], 1e-5, 1e-5));
  CHECK(out.row[1].abs().sum().item<float>() == 0);
  CHECK(out.row[0].slice(0, 4).abs().sum().item<float>() == 0);
  ops::weighted_loss(out, torch::ones({2, 6}), torch::ones({})).backward();
  CHECK(tokens.grad().isfinite().all().item<bool>());
  CHECK(tokens.grad()[1].abs().sum().item<float>() == 0);
  CHECK(tokens.grad()[0].slice(0, 4).abs().sum().item<float>() == 0);
  CHECK(tokens.grad()[0].abs().sum().item<float>() > 0);
}

TEST_CASE("token_contrast: a sample of one token costs nothing", "[ops][fast]") {
  const auto x = torch::randn({1, 3, 4});
  const auto out = ops::token_contrast(x, x, {.valid = first_valid(3, {1})});
  CHECK(out.row.abs().max().item<float>() < 1e-6);
  CHECK(out.column.abs().max().item<float>() < 1e-6);
}

TEST_CASE("weighted_loss: half of both directions, divided by the samples", "[ops][fast]") {
  const ops::TokenContrast contrast{
      .similarity = {}, .row = torch::tensor({{1.0F, 2.0F}}), .column = torch::tensor({{3.0F, 5.0F}})};
  const auto loss = ops::weighted_loss(contrast, torch::tensor({{0.25F, 0.75F}}), torch::tensor(2.0F));
  CHECK(loss.item<float>() == Approx((0.25 * 4 + 0.75 * 7) / 4));
}

TEST_CASE("token_contrast: gradient agrees with differences", "[ops][fast]") {
  torch::manual_seed(4);
  const auto weights = torch::rand({2, 3}, torch::kFloat64);
  const auto valid = first_valid(3, {3, 2});
  mgca::test::check_gradients(
      [&](const auto& in) {
        const auto contrast = ops::token_contrast(in[0], in[1], {.temperature = 0.8, .valid = valid});
        return ops::weighted_loss(contrast, weights, torch::full({}, 2.0, torch::kFloat64));
      },
      {torch::randn({2, 3, 4}, torch::kFloat64), torch::randn({2, 3, 4}, torch::kFloat64)});
}

TEST_CASE("token_contrast: sides of different length are refused", "[ops][fast]") {
  mgca::test::expect_error(
      [] {
        (void)ops::token_contrast(torch::ones({1, 2, 3}), torch::ones({1, 3, 3}));
      },
      {"[1, 2, 3]", "[1, 3, 3]"});
}

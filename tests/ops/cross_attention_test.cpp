#include "catch.hpp"
#include "expect_error.hpp"
#include "gradient_check.hpp"

#include <mgca/ops/cross_attention.hpp>

#include <cmath>
#include <vector>

namespace ops = mgca::ops;

namespace {
mgca::Tensor first_valid(int64_t columns, std::vector<int64_t> counts) {
  const auto B = static_cast<int64_t>(counts.size());
  return torch::arange(columns).unsqueeze(0).lt(torch::tensor(counts).view({B, 1}));
}
}  // namespace

TEST_CASE("cross_attention: a hand-computed mixture", "[ops][fast]") {
  const auto queries = torch::tensor({{{1.0, 0.0}}}, torch::kFloat64);
  const auto keys = torch::tensor({{{1.0, 0.0}, {0.0, 2.0}}}, torch::kFloat64);
  const auto [attended, weights] = ops::cross_attention(queries, keys, {.temperature = 0.5});
  const double first = std::exp(2.0) / (std::exp(2.0) + 1.0);
  CHECK(weights[0][0][0].item<double>() == Approx(first));
  CHECK(attended[0][0][0].item<double>() == Approx(first));
  CHECK(attended[0][0][1].item<double>() == Approx(2 * (1 - first)));
}

TEST_CASE("cross_attention: weights are distributions over the keys that exist", "[ops][fast]") {
  torch::manual_seed(2);
  const auto queries = torch::randn({3, 4, 8});
  const auto keys = torch::randn({3, 5, 8});
  const auto valid = first_valid(5, {5, 2, 1});
  const auto out = ops::cross_attention(queries, keys, {.key_valid = valid});
  CHECK(torch::allclose(out.weights.sum(-1), torch::ones({3, 4})));
  CHECK(out.weights.masked_select(valid.logical_not().unsqueeze(1).expand({3, 4, 5})).abs().sum().item<float>() == 0);
  CHECK(torch::allclose(out.attended[2], keys[2][0].expand({4, 8}), 1e-5, 1e-6));
}

TEST_CASE("cross_attention: absent keys change nothing, whatever they hold", "[ops][fast]") {
  torch::manual_seed(3);
  const auto queries = torch::randn({2, 4, 8});
  const auto keys = torch::randn({2, 5, 8});
  const auto valid = first_valid(5, {5, 3});
  const auto before = ops::cross_attention(queries, keys, {.key_valid = valid}).attended;
  const auto padded = torch::cat({keys, torch::full({2, 2, 8}, 7.0)}, 1);
  const auto after = ops::cross_attention(queries, padded, {.key_valid = first_valid(7, {5, 3})}).attended;
  CHECK(torch::allclose(before, after, 1e-6, 1e-6));
  CHECK(torch::allclose(ops::cross_attention(queries, keys).attended[0], before[0], 1e-6, 1e-6));
}

TEST_CASE("cross_attention: permuting keys or queries permutes the weights", "[ops][fast]") {
  torch::manual_seed(4);
  const auto queries = torch::randn({1, 3, 6});
  const auto keys = torch::randn({1, 4, 6});
  const auto order = torch::tensor({2, 0, 3, 1});
  const auto plain = ops::cross_attention(queries, keys);
  const auto permuted = ops::cross_attention(queries, keys.index_select(1, order));
  CHECK(torch::allclose(plain.attended, permuted.attended, 1e-5, 1e-5));
  CHECK(torch::allclose(plain.weights.index_select(2, order), permuted.weights, 1e-5, 1e-6));
}

TEST_CASE("cross_attention: a sample without any key gives zeros and finite gradients", "[ops][fast]") {
  torch::manual_seed(5);
  auto queries = torch::randn({2, 3, 4}, torch::requires_grad());
  auto keys = torch::randn({2, 5, 4}, torch::requires_grad());
  const auto out = ops::cross_attention(queries, keys, {.key_valid = first_valid(5, {3, 0})});
  CHECK(out.attended[1].abs().sum().item<float>() == 0);
  out.attended.sum().backward();
  CHECK(queries.grad().isfinite().all().item<bool>());
  CHECK(keys.grad().isfinite().all().item<bool>());
  CHECK(keys.grad()[1].abs().sum().item<float>() == 0);
  CHECK(keys.grad()[0].abs().sum().item<float>() > 0);
}

TEST_CASE("cross_attention: gradient agrees with differences", "[ops][fast]") {
  torch::manual_seed(6);
  const auto target = torch::randn({2, 3, 4}, torch::kFloat64);
  const auto valid = first_valid(4, {4, 2});
  mgca::test::check_gradients(
      [&](const auto& in) {
        return (ops::cross_attention(in[0], in[1], {.temperature = 0.7, .key_valid = valid}).attended * target).sum();
      },
      {torch::randn({2, 3, 4}, torch::kFloat64), torch::randn({2, 4, 4}, torch::kFloat64)});
}

TEST_CASE("cross_attention: a temperature of zero is refused", "[ops][fast]") {
  const auto x = torch::ones({1, 2, 3});
  mgca::test::expect_error([&] { (void)ops::cross_attention(x, x, {.temperature = 0}); }, {"temperature", "got 0"});
}

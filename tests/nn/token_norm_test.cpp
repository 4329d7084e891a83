#include "catch.hpp"

#include <mgca/nn/projection.hpp>
#include <mgca/nn/token_norm.hpp>

TEST_CASE("token_norm: without a mask it is batch norm, running statistics included", "[nn][fast]") {
  mgca::TokenNorm ours({.width = 5});
  torch::nn::BatchNorm1d theirs(5);
  for (int i = 0; i < 3; ++i) {
    const auto x = torch::randn({4, 6, 5}) * 2 + 1;
    CHECK(torch::allclose(ours(x), theirs(x.flatten(0, 1)).view(x.sizes()), 1e-5, 1e-6));
  }
  CHECK(torch::allclose(ours->running_mean, theirs->running_mean));
  CHECK(torch::allclose(ours->running_var, theirs->running_var));
  ours->eval();
  theirs->eval();
  const auto x = torch::randn({7, 5});
  CHECK(torch::allclose(ours(x), theirs(x), 1e-5, 1e-6));
}

TEST_CASE("token_norm: masked rows are as if they were not there", "[nn][fast]") {
  mgca::TokenNorm masked({.width = 5}), plain({.width = 5});
  const auto x = torch::randn({3, 4, 5});
  const auto valid = torch::tensor({{1, 1, 0, 0}, {1, 1, 1, 1}, {0, 0, 0, 0}}, torch::kBool);
  const auto rows = x.flatten(0, 1).index({valid.flatten()});
  const auto expected = plain(rows);
  const auto got = masked(x, valid).flatten(0, 1).index({valid.flatten()});
  CHECK(torch::allclose(got, expected, 1e-4, 1e-5));
  CHECK(torch::allclose(masked->running_mean, plain->running_mean, 1e-5, 1e-6));
  CHECK(torch::allclose(masked->running_var, plain->running_var, 1e-5, 1e-6));
}

TEST_CASE("token_norm: fewer than two rows use the running statistics and leave them alone", "[nn][fast]") {
  mgca::TokenNorm norm({.width = 3});
  norm->running_mean.fill_(2);
  norm->running_var.fill_(4);
  const auto x = torch::full({1, 3}, 6.0);
  CHECK(torch::allclose(norm(x), torch::full({1, 3}, 2.0), 1e-4, 1e-4));
  const auto valid = torch::zeros({2, 2}, torch::kBool);
  CHECK(norm(torch::randn({2, 2, 3}), valid).isfinite().all().item<bool>());
  CHECK(norm->running_mean.eq(2).all().item<bool>());
  CHECK(norm->running_var.eq(4).all().item<bool>());
  CHECK(norm->num_batches_tracked.item<int64_t>() == 0);
}

TEST_CASE("projection: invalid slots come out as zero and send back no gradient", "[nn][fast]") {
  mgca::LocalProjection head({.in = 6, .hidden = 8, .out = 4});
  auto x = torch::randn({2, 3, 6}, torch::requires_grad());
  const auto valid = torch::tensor({{1, 1, 0}, {1, 0, 0}}, torch::kBool);
  const auto y = head(x, valid);
  CHECK(y.sizes() == at::IntArrayRef({2, 3, 4}));
  CHECK(y[0][2].abs().max().item<float>() == 0);
  (y * torch::randn_like(y)).sum().backward();
  CHECK(x.grad()[0][2].abs().max().item<float>() == 0);
  CHECK(x.grad()[0][0].abs().max().item<float>() > 0);
}

TEST_CASE("projection: keys and counts are the published ones", "[nn][fast]") {
  mgca::GlobalProjection head({.in = 768});
  int64_t count = 0;
  for (const auto& item : head->named_parameters()) count += item.value().numel();
  CHECK(count == 1841280);
  CHECK(head->named_parameters().contains("head.0.weight"));
  CHECK(head->named_parameters().contains("head.3.bias"));
  CHECK(head->named_buffers().contains("head.4.running_mean"));
  CHECK_FALSE(head->named_parameters().contains("head.4.weight"));
  mgca::LocalProjection local({.in = 1024});
  CHECK(local->named_parameters()["head.0.weight"].sizes() == at::IntArrayRef({2048, 1024, 1}));
}

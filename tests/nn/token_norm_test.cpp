#include "expect_error.hpp"
#include "golden.hpp"
#include "gradients.hpp"
#include "joined_norm.hpp"

#include <mgca/nn/token_norm.hpp>

#include <mgca/ops/unit.hpp>

using mgca::Tensor;
using mgca::TokenNorm;

TEST_CASE("token_norm: running statistics after one step equal the reference", "[nn][golden][fast]") {
  const mgca::test::Golden golden("mgca_vit_mha2");
  const std::string head = "img_encoder_q.global_embed.head.";
  const auto& x = golden.expected.at("image.cls");
  const auto weight = [&](const std::string& name, at::IntArrayRef shape) { return mgca::test::formula_weight(head + name, shape, golden.config["weights"]["seed"]); };
  const int64_t hidden = golden.config["model"]["head_hidden"];
  TokenNorm norm({.width = hidden});
  mgca::test::fill_by_formula(*norm, head + "1.", golden.config["weights"]["seed"]);
  (void)norm(torch::linear(x, weight("0.weight", {hidden, x.size(1)}), weight("0.bias", {hidden})));
  golden.check("after_forward." + head + "1.running_mean", norm->running_mean);
  golden.check("after_forward." + head + "1.running_var", norm->running_var);
}

TEST_CASE("token_norm: without a mask it is batch norm, running statistics included", "[nn][fast]") {
  TokenNorm ours({.width = 5});
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
  for (const bool affine : {true, false}) {
    TokenNorm masked({.width = 5, .affine = affine}), plain({.width = 5, .affine = affine});
    const auto x = torch::randn({3, 4, 5});
    const auto valid = torch::tensor({{1, 1, 0, 0}, {1, 1, 1, 1}, {0, 0, 0, 0}}, torch::kBool);
    const auto rows = x.flatten(0, 1).index({valid.flatten()});
    const auto expected = plain(rows);
    const auto got = masked(x, valid);
    CHECK(got.sizes() == x.sizes());
    CHECK(torch::allclose(got.flatten(0, 1).index({valid.flatten()}), expected, 1e-4, 1e-5));
    CHECK(torch::allclose(masked->running_mean, plain->running_mean, 1e-5, 1e-6));
    CHECK(torch::allclose(masked->running_var, plain->running_var, 1e-5, 1e-6));
  }
}

TEST_CASE("token_norm: the derivative is right with a mask and reaches scale and shift", "[nn][fast]") {
  TokenNorm norm({.width = 3});
  norm->to(torch::kFloat64);
  const auto valid = torch::tensor({{1, 1, 0}, {1, 1, 1}}, torch::kBool);
  const auto direction = mgca::test::random_tensor({2, 3, 3}, 1) * valid.unsqueeze(-1);
  const auto x = mgca::test::random_tensor({2, 3, 3}, 2);
  CHECK(mgca::test::gradient_is_right([&](const Tensor& y) { return (norm(y, valid) * direction).sum(); }, x));
  norm->zero_grad();
  mgca::test::expect_gradients(*norm, (norm(x, valid) * direction).sum());
}

TEST_CASE("token_norm: fewer than two rows use the running statistics and leave them alone", "[nn][fast]") {
  TokenNorm norm({.width = 3});
  norm->running_mean.fill_(2);
  norm->running_var.fill_(4);
  const auto x = torch::full({1, 3}, 6.0);
  CHECK(torch::allclose(norm(x), torch::full({1, 3}, 2.0), 1e-4, 1e-4));
  auto leaf = torch::randn({2, 2, 3}, torch::requires_grad());
  for (const int64_t rows : {0, 1}) {
    auto valid = torch::zeros({2, 2}, torch::kBool);
    valid[0].slice(0, 0, rows).fill_(true);
    const auto y = norm(leaf, valid);
    CHECK(torch::allclose(y, (leaf - 2) / 2, 1e-4, 1e-4));
    y.square().sum().backward();
  }
  CHECK(leaf.grad().isfinite().all().item<bool>());
  CHECK(norm->running_mean.eq(2).all().item<bool>());
  CHECK(norm->running_var.eq(4).all().item<bool>());
  CHECK(norm->num_batches_tracked.item<int64_t>() == 0);
}

TEST_CASE("token_norm: ranks that share statistics are one process with all rows, whatever each of them counts", "[nn][fast]") {
  const auto apply = [](auto& norm, const Tensor& x, const Tensor& valid) { return norm(x, valid); };
  const auto uneven = torch::tensor({{1, 1, 0}, {1, 0, 0}, {0, 1, 1}, {1, 1, 1}, {0, 0, 0}}, torch::kBool);
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    const double allowed = type == torch::kFloat64 ? 1e-12 : 2e-6;
    for (const bool affine : {true, false}) {
      const auto make = [&] { return TokenNorm({.width = 4, .affine = affine}); };
      CHECK(mgca::test::worst_of_ranks(make, apply, {.rows = {2, 3}, .row = {3, 4}, .type = type}) < allowed);
      CHECK(mgca::test::worst_of_ranks(make, apply, {.rows = {1, 1, 1}, .row = {4}, .type = type}) < allowed);  // no rank has a variance of its own
      CHECK(mgca::test::worst_of_ranks(make, apply, {.rows = {2, 3}, .row = {3, 4}, .type = type, .valid = uneven}) < allowed);
      CHECK(mgca::test::worst_of_ranks(make, apply, {.rows = {1, 3, 1}, .row = {3, 4}, .type = type, .valid = uneven}) < allowed);  // the last counts none
      for (const int64_t few : {0, 1}) {  // all ranks together have no variance
        const auto valid = torch::arange(15).lt(few).view({5, 3});
        CHECK(mgca::test::worst_of_ranks(make, apply, {.rows = {2, 3}, .row = {3, 4}, .type = type, .valid = valid}) < allowed);
      }
    }
  }
}

TEST_CASE("token_norm: inside autocast the masked statistics stay in single precision", "[nn][fast]") {
  TokenNorm inside({.width = 3}), outside({.width = 3});
  const auto x = torch::randn({4, 5, 3});
  const auto valid = torch::arange(5).lt(3).expand({4, 5});
  const auto expected = outside(x, valid);
  const mgca::AutocastScope autocast(mgca::Precision::bf16, torch::kCPU);
  CHECK(torch::equal(inside(x, valid), expected));
  CHECK(torch::equal(inside->running_var, outside->running_var));
}

TEST_CASE("token_norm: other widths and masks are refused", "[nn][fast]") {
  TokenNorm norm({.width = 3});
  mgca::test::expect_error([&] { (void)norm(torch::zeros({2, 4})); }, {"3 channels", "[2, 4]"});
  mgca::test::expect_error([&] { (void)norm(torch::zeros({2, 4, 3}), torch::ones({2, 3}, torch::kBool)); }, {"[2, 4, 3]", "[2, 3]"});
}

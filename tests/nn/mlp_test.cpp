#include "golden_block.hpp"
#include "gradients.hpp"

#include <mgca/nn/mlp.hpp>
#include <mgca/nn/vit_block.hpp>

using mgca::test::projected;

TEST_CASE("mlp: completes the reference's block", "[nn][golden][fast]") {
  const mgca::test::GoldenBlock block;
  mgca::Mlp mlp({.width = block.width, .hidden = block.hidden});
  block.fill(*mlp, "mlp.");
  mgca::VitBlock rest({.width = block.width, .heads = block.heads, .hidden = 1});
  for (auto& [name, value] : mgca::state_dict(*rest)) {
    const torch::NoGradGuard no_grad;
    if (!name.starts_with("mlp.")) value.copy_(mgca::test::formula_weight("img_encoder_q.model.blocks.1." + name, value.sizes(), block.golden.config["weights"]["seed"]));
  }
  const auto x = block.input + rest->attn(rest->norm1(block.input), mgca::AttentionWeights::none).tokens;
  block.check_output(x + mlp(rest->norm2(x)));
}

TEST_CASE("mlp: the shape stays, and the gradient reaches every parameter", "[nn][fast]") {
  mgca::Mlp mlp({.width = 6, .hidden = 10});
  const auto y = mlp(torch::randn({2, 3, 6}));
  CHECK(y.sizes() == at::IntArrayRef({2, 3, 6}));
  mgca::test::expect_gradients(*mlp, projected(y));
}

TEST_CASE("mlp: two layers with the exact GELU between, by hand", "[nn][fast]") {
  mgca::Mlp mlp({.width = 1, .hidden = 1});
  const torch::NoGradGuard no_grad;
  for (auto& p : mlp->parameters()) p.fill_(1);  // gelu(x + 1) + 1
  const double gelu_of_2 = 2 * 0.5 * (1 + std::erf(2 / std::sqrt(2.0)));
  CHECK(mlp(torch::ones({1, 1, 1})).item<double>() == Approx(gelu_of_2 + 1).epsilon(1e-6));
}

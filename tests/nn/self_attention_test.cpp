#include "expect_error.hpp"
#include "golden_block.hpp"
#include "gradients.hpp"

#include <mgca/nn/self_attention.hpp>

using mgca::AttentionWeights;

TEST_CASE("self_attention: the weights equal the reference, all rows and the summary's", "[nn][golden][fast]") {
  const mgca::test::GoldenBlock block;
  mgca::SelfAttention attention({.width = block.width, .heads = block.heads});
  block.fill(*attention, "attn.");
  torch::nn::LayerNorm norm(torch::nn::LayerNormOptions({block.width}).eps(1e-6));
  block.fill(*norm, "norm1.");
  const auto x = norm(block.input);
  const auto full = attention(x, AttentionWeights::full).weights;
  block.golden.check("image.last_attention", full);
  CHECK(torch::allclose(attention(x, AttentionWeights::summary).weights, full.slice(2, 0, 1), 1e-5, 1e-7));
}

TEST_CASE("self_attention: shapes follow what was asked for, and the gradient reaches every parameter", "[nn][fast]") {
  mgca::SelfAttention attention({.width = 12, .heads = 3});
  const auto x = torch::randn({2, 5, 12});
  const auto full = attention(x, AttentionWeights::full);
  CHECK(full.tokens.sizes() == at::IntArrayRef({2, 5, 12}));
  CHECK(full.weights.sizes() == at::IntArrayRef({2, 3, 5, 5}));
  CHECK_FALSE(full.weights.requires_grad());
  CHECK(attention(x, AttentionWeights::summary).weights.sizes() == at::IntArrayRef({2, 3, 1, 5}));
  CHECK_FALSE(attention(x, AttentionWeights::none).weights.defined());
  mgca::test::expect_gradients(*attention, mgca::test::projected(full.tokens));
}

TEST_CASE("self_attention: without positions, permuted tokens give permuted outputs", "[nn][fast]") {
  mgca::SelfAttention attention({.width = 12, .heads = 3});
  const auto x = torch::randn({2, 5, 12});
  const auto order = torch::tensor({3, 0, 4, 1, 2});
  CHECK(torch::allclose(attention(x.index_select(1, order), AttentionWeights::none).tokens,
                        attention(x, AttentionWeights::none).tokens.index_select(1, order), 1e-4, 1e-6));
}

TEST_CASE("self_attention: a width that heads do not divide is refused", "[nn][fast]") {
  mgca::test::expect_error([] { mgca::SelfAttention({.width = 10, .heads = 3}); }, {"width 10", "heads 3"});
}

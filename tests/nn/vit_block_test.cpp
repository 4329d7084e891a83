#include "golden_block.hpp"
#include "gradients.hpp"

#include <mgca/nn/vit_block.hpp>

using mgca::AttentionWeights;

TEST_CASE("vit_block: tokens and attention equal the reference", "[nn][golden][fast]") {
  const mgca::test::GoldenBlock golden;
  mgca::VitBlock block({.width = golden.width, .heads = golden.heads, .hidden = golden.hidden});
  golden.fill(*block, "");
  const auto out = block(golden.input, AttentionWeights::full);
  golden.check_output(out.tokens);
  golden.golden.check("image.last_attention", out.weights);
}

TEST_CASE("vit_block: the shape stays, and the gradient reaches every parameter", "[nn][fast]") {
  mgca::VitBlock block({.width = 12, .heads = 3, .hidden = 20});
  const auto out = block(torch::randn({2, 5, 12}), AttentionWeights::summary);
  CHECK(out.tokens.sizes() == at::IntArrayRef({2, 5, 12}));
  CHECK(out.weights.sizes() == at::IntArrayRef({2, 3, 1, 5}));
  mgca::test::expect_gradients(*block, mgca::test::projected(out.tokens));
}

TEST_CASE("vit_block: with closed branches a block passes its input on", "[nn][fast]") {
  mgca::VitBlock block({.width = 12, .heads = 3, .hidden = 20});
  const torch::NoGradGuard no_grad;
  for (auto& layer : {block->attn->proj, block->mlp->fc2}) {
    layer->weight.zero_();
    layer->bias.zero_();
  }
  const auto x = torch::randn({2, 5, 12});
  CHECK(torch::equal(block(x, AttentionWeights::none).tokens, x));
}

TEST_CASE("vit_block: the published number of parameters and the published epsilon", "[nn][fast]") {
  mgca::VitBlock block({});
  int64_t count = 0;
  for (const auto& p : block->parameters()) count += p.numel();
  CHECK(count == 7087872);  // 4 x 768^2 + 8 x 768^2 weights, 4 x 768 + 5 x 768 biases, 4 x 768 of the norms
  CHECK(block->norm1->options.eps() == 1e-6);
}

#include "distribution.hpp"
#include "expect_error.hpp"
#include "gradients.hpp"

#include <mgca/encoders/vit.hpp>

namespace {
const mgca::VitConfig kTiny{.image_size = 32, .patch_size = 8, .width = 24, .depth = 2, .heads = 3};
}

TEST_CASE("vit: shapes follow the config and the gradient reaches every parameter", "[encoders][fast]") {
  mgca::Vit vit(kTiny);
  const auto features = vit(torch::randn({3, 3, 32, 32}));
  CHECK(features.global.sizes() == at::IntArrayRef({3, 24}));
  CHECK(features.local.sizes() == at::IntArrayRef({3, 16, 24}));
  CHECK(features.attention.sizes() == at::IntArrayRef({3, 16}));
  CHECK_FALSE(features.attention.requires_grad());
  CHECK(vit->global_width() == 24);
  mgca::test::expect_gradients(*vit, mgca::test::projected(features.global) + mgca::test::projected(features.local));
}

TEST_CASE("vit: the layers end in the tokens before the final norm and the last attention", "[encoders][fast]") {
  mgca::Vit vit(kTiny);
  const torch::NoGradGuard no_grad;
  const auto images = torch::randn({2, 3, 32, 32});
  const auto layers = vit->layers(images);
  const auto last = vit->tokens(images, mgca::AttentionWeights::full);
  REQUIRE(layers.hidden.size() == 3);
  REQUIRE(layers.attention.size() == 2);
  CHECK(torch::equal(layers.hidden[0], vit->embedded(images)));
  CHECK(torch::allclose(vit->norm(layers.hidden[2]), last.tokens));
  CHECK(torch::allclose(layers.attention[1], last.weights));
  CHECK(torch::allclose(last.weights.select(2, 0).slice(-1, 1).mean(1), vit(images).attention, 1e-5, 1e-7));
}

TEST_CASE("vit: a batch is its images one by one", "[encoders][fast]") {
  mgca::Vit vit(kTiny);
  const torch::NoGradGuard no_grad;
  const auto images = torch::randn({3, 3, 32, 32});
  CHECK(torch::allclose(vit(images).global[1], vit(images.slice(0, 1, 2)).global[0], 1e-4, 1e-5));
}

TEST_CASE("vit: the base model has the published number of parameters", "[encoders][slow]") {
  mgca::Vit vit({});
  int64_t count = 0;
  for (const auto& p : vit->parameters()) count += p.numel();
  CHECK(count == 85798656);
}

TEST_CASE("vit: wrong sizes are refused with the remedy", "[encoders][fast]") {
  mgca::test::expect_error([] { mgca::Vit({.image_size = 225}); }, {"image_size 225", "patch_size 16"});
  mgca::test::expect_error([] { mgca::Vit({.heads = 7}); }, {"width 768", "heads 7"});
  mgca::Vit vit(kTiny);
  mgca::test::expect_error([&] { (void)vit(torch::zeros({1, 3, 64, 64})); }, {"32", "[1, 3, 64, 64]", "resize"});
  mgca::test::expect_error([&] { (void)vit(torch::zeros({3, 32, 32})); }, {"(B, 3, 32, 32)", "[3, 32, 32]"});
  mgca::test::expect_error([&] { (void)vit(torch::zeros({1, 3, 32, 32}, torch::kByte)); }, {"[-1, 1]", "Byte", "network_input"});
}

TEST_CASE("vit: starts as the reference does", "[encoders][fast]") {
  torch::manual_seed(1);
  mgca::Vit vit({.image_size = 64, .patch_size = 16, .width = 96, .depth = 1, .heads = 3});
  for (const auto& weight : {vit->cls_token, vit->pos_embed, vit->blocks[0]->attn->qkv->weight, vit->blocks[0]->mlp->fc2->weight}) {
    if (weight.numel() >= 100) mgca::test::expect_normal(weight, 0.02);
    CHECK(weight.abs().max().item<double>() < 0.14);
  }
  CHECK(vit->blocks[0]->attn->qkv->bias.eq(0).all().item<bool>());
  CHECK(vit->norm->weight.eq(1).all().item<bool>());
  const double bound = 1 / std::sqrt(3.0 * 16 * 16);  // torch's default for a convolution
  mgca::test::expect_uniform(vit->patch_embed->proj->weight, bound);
}

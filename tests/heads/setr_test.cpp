#include "expect_error.hpp"
#include "gradients.hpp"
#include "norms.hpp"

#include <mgca/encoders/vit.hpp>
#include <mgca/heads/setr.hpp>
#include <mgca/ops/position_table.hpp>
#include <mgca/tensor/state_dict.hpp>

namespace {

mgca::SetrConfig<mgca::Vit> small(int64_t side = 32) {
  return {.encoder = {.image_size = side, .patch_size = 8, .width = 16, .depth = 1, .heads = 2, .mlp_ratio = 2}, .features = {12, 8, 6}};
}

}  // namespace

TEST_CASE("setr: a logit for every pixel, and a gradient for every parameter that decides one", "[heads][fast]") {
  torch::manual_seed(1);
  mgca::Setr<mgca::Vit> net(small());
  const auto logits = net(torch::randn({2, 3, 32, 32}));
  CHECK(logits.sizes() == at::IntArrayRef({2, 1, 32, 32}));
  // Batch statistics take the biases before them away.
  mgca::test::expect_gradients(*net, mgca::test::projected(logits),
                               {"decoder_1.0.bias", "decoder_2.0.bias", "decoder_3.0.bias", "attn.qkv.bias"});
}

TEST_CASE("setr: patches stand in the grid row by row", "[heads][fast]") {
  mgca::Setr<mgca::Vit> net(small());
  const torch::NoGradGuard no_grad;
  net->encoder_2d.final_dense->weight.copy_(torch::eye(16));
  net->encoder_2d.final_dense->bias.zero_();
  const auto patches = torch::arange(4 * 4 * 16, torch::kFloat32).view({1, 16, 16});
  const auto grid = net->grid(patches);
  CHECK(grid.sizes() == at::IntArrayRef({1, 16, 4, 4}));
  CHECK(torch::equal(grid[0].select(1, 1).select(1, 3), patches[0][7]));
}

TEST_CASE("setr: with a resampled position table the same weights serve larger images", "[heads][fast]") {
  torch::manual_seed(2);
  mgca::Setr<mgca::Vit> trained(small(32)), larger(small(64));
  auto weights = mgca::state_dict(*trained);
  for (auto& [name, value] : weights) {
    if (name == "encoder_2d.bert_model.pos_embed") value = mgca::ops::resample_positions(value.detach(), 64);
  }
  mgca::load_state_dict(*larger, weights);
  larger->eval();
  CHECK(larger(torch::randn({1, 3, 64, 64})).sizes() == at::IntArrayRef({1, 1, 64, 64}));
}

TEST_CASE("setr: on a tower that exists it shares the tower", "[heads][fast]") {
  mgca::Vit tower(small().encoder);
  auto net = mgca::setr_on(tower, {8, 8, 8});
  CHECK(&net->tower() == static_cast<torch::nn::Module*>(tower.get()));
  CHECK(net->named_parameters().keys().front() == "encoder_2d.bert_model.cls_token");
}

TEST_CASE("setr: steps that do not fit the patches, no step and patches in no square are refused", "[heads][fast]") {
  auto config = small();
  config.features = {8, 8};
  mgca::Setr<mgca::Vit> net(config);
  mgca::test::expect_error([&] { (void)net(torch::zeros({1, 3, 32, 32})); }, {"2 steps", "[1, 1, 16, 16]", "[1, 3, 32, 32]"});
  mgca::test::expect_error([&] { (void)net->grid(torch::zeros({1, 15, 16})); }, {"15 patches"});
  mgca::test::expect_error([] { mgca::SetrDecoder({.features = {}}); }, {"step", "0"});
}

TEST_CASE("setr: ranks can share the statistics of all its norms", "[heads][fast]") {
  mgca::Setr<mgca::Vit> net(small());
  CHECK(mgca::test::all_norms_synchronise(*net));
}

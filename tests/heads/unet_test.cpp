#include "distribution.hpp"
#include "expect_error.hpp"
#include "gradients.hpp"
#include "norms.hpp"

#include <mgca/encoders/resnet.hpp>
#include <mgca/heads/unet.hpp>
#include <mgca/tensor/state_dict.hpp>

namespace {

mgca::UnetConfig<mgca::ResNet> small_unet(mgca::ResNetStem stem = mgca::ResNetStem::imagenet) {
  return {.encoder = {.depth = mgca::ResNetDepth::resnet10, .stem = stem, .image_size = 64, .enlarged = 0, .width = 4},
          .widths = {16, 12, 8, 6, 4}};
}

}  // namespace

TEST_CASE("unet: a logit for every pixel at any size, with either stem", "[heads][fast]") {
  for (const auto stem : {mgca::ResNetStem::imagenet, mgca::ResNetStem::small}) {
    mgca::Unet<mgca::ResNet> net(small_unet(stem));
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{64, 64}, {96, 128}, {50, 71}})
      CHECK(net(torch::randn({1, 3, height, width})).sizes() == at::IntArrayRef({1, 1, height, width}));
  }
}

TEST_CASE("unet: the gradient reaches tower, decoder and head", "[heads][fast]") {
  torch::manual_seed(1);
  mgca::Unet<mgca::ResNet> net(small_unet());
  mgca::test::expect_gradients(*net, mgca::test::projected(net(torch::randn({2, 3, 64, 64}))));
}

TEST_CASE("unet: the finest stage decides what edges look like: the decoder reads it", "[heads][fast]") {
  torch::manual_seed(2);
  mgca::Unet<mgca::ResNet> net(small_unet());
  net->eval();
  const torch::NoGradGuard no_grad;
  auto c = net->encoder->pyramid(torch::randn({1, 3, 64, 64}));
  CHECK((c.c1.size(2) == 32 && c.c2.size(2) == 16 && c.c5.size(2) == 2));
  const auto whole = net->decoder->forward(c, {64, 64});
  for (auto* stage : {&c.c1, &c.c2, &c.c3, &c.c4, &c.c5}) {
    const auto kept = *stage;
    *stage = torch::zeros_like(kept);
    CHECK_FALSE(torch::allclose(net->decoder->forward(c, {64, 64}), whole));
    *stage = kept;
  }
}

TEST_CASE("unet: starts as segmentation_models.pytorch does", "[heads][fast]") {
  torch::manual_seed(3);
  mgca::Unet<mgca::ResNet> net({.encoder = small_unet().encoder});
  const auto p = net->named_parameters();
  mgca::test::expect_uniform(p["decoder.blocks.1.conv2.0.weight"], std::sqrt(6.0 / (128 * 9)));
  mgca::test::expect_uniform(p["segmentation_head.0.weight"], std::sqrt(6.0 / (17 * 9)));
  CHECK(p["segmentation_head.0.bias"].item<float>() == 0);
}

TEST_CASE("unet: on a tower that exists it shares the tower", "[heads][fast]") {
  torch::manual_seed(4);
  mgca::ResNet tower(small_unet().encoder);
  auto net = mgca::unet_on(tower);
  CHECK(net->encoder.get() == tower.get());
  CHECK(net->tower().parameters().size() == tower->parameters().size());
  CHECK(net->named_parameters().keys().front() == "encoder.conv1.weight");
}

TEST_CASE("unet: a pyramid without its finest stage and the wrong number of widths are refused", "[heads][fast]") {
  mgca::UnetDecoder decoder({.stages = {4, 4, 8, 16, 32}, .widths = {8, 8, 8, 8, 8}});
  mgca::test::expect_error([&] { (void)decoder->forward({.c5 = torch::zeros({1, 32, 2, 2})}, {64, 64}); }, {"c1", "ResNet::pyramid"});
  mgca::test::expect_error([] { mgca::UnetDecoder({.widths = {8, 8}}); }, {"5 widths", "2"});
  mgca::test::expect_error([] { mgca::UnetDecoder({.widths = {8, 8, 0, 8, 8}}); }, {"positive", "0"});
}

TEST_CASE("unet: ranks can share the statistics of all its norms", "[heads][fast]") {
  mgca::Unet<mgca::ResNet> net(small_unet());
  CHECK(mgca::test::all_norms_synchronise(*net));
}

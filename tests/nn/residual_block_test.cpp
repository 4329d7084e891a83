#include "golden.hpp"
#include "gradients.hpp"

#include <mgca/nn/residual_block.hpp>

using mgca::ResidualBlock;
using mgca::ResidualKind;

TEST_CASE("residual_block: the first stage equals the reference", "[nn][golden][fast]") {
  const mgca::test::Golden golden("mgca_resnet_eval");
  const auto weight = [&](const std::string& name, at::IntArrayRef shape) {
    return mgca::test::formula_weight("img_encoder_q.model." + name, shape, golden.config["weights"]["seed"]);
  };
  const auto images = mgca::test::network_input(golden.batch.at("imgs_u8"));
  const auto enlarged = at::upsample_bilinear2d(images, {299, 299}, /*align_corners=*/true);
  const auto y = at::conv2d(enlarged, weight("conv1.weight", {64, 3, 7, 7}), {}, /*stride=*/2, /*padding=*/3);
  golden.check("image.conv1", y);
  const auto normed = at::batch_norm(y, weight("bn1.weight", {64}), weight("bn1.bias", {64}), weight("bn1.running_mean", {64}),
                                     weight("bn1.running_var", {64}), false, 0.1, 1e-5, true);
  auto x = at::max_pool2d(torch::relu(normed), 3, 2, 1);
  golden.check("image.maxpool", x);
  for (int64_t i = 0; i < 3; ++i) {
    ResidualBlock block({.kind = ResidualKind::bottleneck, .in = x.size(1), .width = 64});
    mgca::test::fill_by_formula(*block, "img_encoder_q.model.layer1." + std::to_string(i) + ".", golden.config["weights"]["seed"]);
    block->eval();
    x = block(x).detach();
  }
  golden.check("image.layer1", x);
}

TEST_CASE("residual_block: both kinds have the shapes they promise, and gradients everywhere", "[nn][fast]") {
  for (const auto kind : {ResidualKind::basic, ResidualKind::bottleneck}) {
    for (const int64_t stride : {1, 2}) {
      ResidualBlock block({.kind = kind, .in = 6, .width = 4, .stride = stride});
      const auto y = block(torch::randn({2, 6, 8, 8}));
      CHECK(y.sizes() == at::IntArrayRef({2, kind == ResidualKind::basic ? 4 : 16, 8 / stride, 8 / stride}));
      mgca::test::expect_gradients(*block, mgca::test::projected(y));
    }
  }
}

TEST_CASE("residual_block: a closed branch passes a positive input on; only a changed shape needs the detour", "[nn][fast]") {
  ResidualBlock block({.kind = ResidualKind::bottleneck, .in = 16, .width = 4});
  CHECK(block->downsample.is_empty());
  block->eval();
  const torch::NoGradGuard no_grad;
  block->bn3->weight.zero_();
  const auto x = torch::rand({2, 16, 5, 5});
  CHECK(torch::equal(block(x), x));
  CHECK_FALSE(ResidualBlock({.kind = ResidualKind::basic, .in = 4, .width = 4, .stride = 2})->downsample.is_empty());
}

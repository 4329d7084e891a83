#include "distribution.hpp"
#include "expect_error.hpp"
#include "gradients.hpp"
#include "norms.hpp"
#include "ranks.hpp"

#include <mgca/encoders/resnet.hpp>

using mgca::ResNetDepth;

TEST_CASE("resnet: every depth and stem has the shapes it promises, and gradients everywhere", "[encoders][fast]") {
  for (const auto depth : {ResNetDepth::resnet10, ResNetDepth::resnet18, ResNetDepth::resnet34, ResNetDepth::resnet50}) {
    mgca::ResNet resnet({.depth = depth, .stem = mgca::ResNetStem::small, .image_size = 48, .enlarged = 0, .width = 8});
    const auto features = resnet(torch::randn({2, 3, 48, 48}));
    INFO(to_string(depth));
    CHECK(features.global.sizes() == at::IntArrayRef({2, resnet->global_width()}));
    CHECK(features.local.sizes() == at::IntArrayRef({2, 36, resnet->local_width()}));
    CHECK_FALSE(features.attention.defined());
    mgca::test::expect_gradients(*resnet, mgca::test::projected(features.global) + mgca::test::projected(features.local));
  }
}

TEST_CASE("resnet: the published sizes", "[encoders][fast]") {
  mgca::ResNet resnet({});
  int64_t count = 0;
  for (const auto& p : resnet->parameters()) count += p.numel();
  CHECK(count == 23508032);  // torchvision's 25,557,032 without fc
  CHECK(resnet->global_width() == 2048);
  CHECK(resnet->local_width() == 1024);
}

TEST_CASE("resnet: wrong sizes are refused with the remedy", "[encoders][fast]") {
  mgca::test::expect_error([] { mgca::ResNet({.enlarged = 100}); }, {"enlarged 100", "image_size 224"});
  mgca::ResNet resnet({.depth = ResNetDepth::resnet10, .image_size = 64, .enlarged = 0, .width = 8});
  mgca::test::expect_error([&] { (void)resnet(torch::zeros({1, 3, 32, 32})); }, {"side 64", "[1, 3, 32, 32]"});
  mgca::test::expect_error([&] { (void)resnet->pyramid(torch::zeros({1, 1, 64, 64})); }, {"(B, 3, H, W)", "[1, 1, 64, 64]"});
  mgca::test::expect_error([&] { (void)resnet(torch::zeros({1, 3, 64, 64}, torch::kByte)); }, {"[-1, 1]", "Byte", "network_input"});
}

TEST_CASE("resnet: in evaluation a batch is its images one by one", "[encoders][fast]") {
  mgca::ResNet resnet({.depth = ResNetDepth::resnet10, .stem = mgca::ResNetStem::small, .image_size = 32, .enlarged = 0, .width = 8});
  resnet->eval();
  const torch::NoGradGuard no_grad;
  const auto images = torch::randn({3, 3, 32, 32});
  CHECK(torch::allclose(resnet(images).global[1], resnet(images.slice(0, 1, 2)).global[0], 1e-4, 1e-5));
}

TEST_CASE("resnet: starts as the reference does", "[encoders][fast]") {
  torch::manual_seed(1);
  mgca::ResNet resnet({.depth = ResNetDepth::resnet10, .image_size = 64, .enlarged = 0, .width = 16});
  mgca::test::expect_normal(resnet->conv1->weight, std::sqrt(2.0 / (16 * 7 * 7)));
  const auto last = resnet->named_parameters()["layer4.0.conv2.weight"];
  mgca::test::expect_normal(last, std::sqrt(2.0 / (128 * 3 * 3)));
  CHECK(resnet->named_parameters()["layer4.0.bn2.weight"].eq(1).all().item<bool>());
}

TEST_CASE("resnet: ranks that share the statistics of all its norms train as one process with all images", "[encoders][fast]") {
  const auto make = [] {
    torch::manual_seed(3);
    mgca::ResNet resnet({.depth = ResNetDepth::resnet10, .stem = mgca::ResNetStem::small, .image_size = 32, .enlarged = 0, .width = 4});
    resnet->to(torch::kFloat64);
    return resnet;
  };
  auto whole = make();
  CHECK(mgca::test::all_norms_synchronise(*whole));
  const auto images = mgca::test::random_tensor({4, 3, 32, 32}, 1), slope = mgca::test::random_tensor({4, whole->global_width()}, 2);
  (whole(images).global * slope).sum().backward();
  std::array<mgca::ResNet, 2> ranks{make(), make()};
  mgca::test::on_ranks(2, [&](mgca::ProcessGroup& group) {
    auto& mine = ranks[static_cast<std::size_t>(group.rank())];
    mgca::nn::synchronise_batch_norms(*mine, &group);
    const auto part = [&](const mgca::Tensor& all) { return all.narrow(0, 2 * group.rank(), 2); };
    (mine(part(images)).global * part(slope)).sum().backward();
  });
  for (const auto& p : whole->named_parameters()) {
    INFO(p.key());
    const auto sum = ranks[0]->named_parameters()[p.key()].grad() + ranks[1]->named_parameters()[p.key()].grad();
    CHECK(torch::allclose(sum, p.value().grad(), 1e-9, 1e-11));
  }
  for (const auto& b : whole->named_buffers()) {
    INFO(b.key());
    CHECK(torch::allclose(ranks[0]->named_buffers()[b.key()], b.value(), 1e-12, 1e-13));
    CHECK(torch::equal(ranks[0]->named_buffers()[b.key()], ranks[1]->named_buffers()[b.key()]));
  }
}

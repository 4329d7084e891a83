#include "distribution.hpp"
#include "expect_error.hpp"
#include "gradients.hpp"
#include "norms.hpp"

#include <mgca/encoders/densenet.hpp>

#include <map>

namespace {

// The weights of tests/parity/densenet_golden.py: tensor i in alphabetical order is 0.3 sin(1 + i + 0.7 j), plus 1 where it is a scale or a variance.
void fill_as_the_golden(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  std::map<std::string, mgca::Tensor> state;
  for (const auto& item : module.named_parameters()) state.emplace(item.key(), item.value());
  for (const auto& item : module.named_buffers()) {
    if (!item.key().ends_with("num_batches_tracked")) state.emplace(item.key(), item.value());
  }
  double i = 0;
  for (const auto& [name, value] : state) {
    const auto wave = 0.3 * torch::sin(1 + i++ + 0.7 * torch::arange(value.numel(), torch::kFloat64));
    const bool scale = value.dim() == 1 && (name.ends_with("weight") || name.ends_with("running_var"));
    value.copy_(wave.reshape(value.sizes()) + (scale ? 1.0 : 0.0));
  }
}

}  // namespace

TEST_CASE("densenet: every stage equals torchvision's with the same weights", "[encoders][fast]") {
  mgca::DenseNet net({.layers = {2, 1, 2, 1}, .growth = 4, .width = 8, .image_size = 64});
  net->to(torch::kFloat64);
  fill_as_the_golden(*net);
  net->eval();
  const torch::NoGradGuard no_grad;
  const auto picture = torch::cos(0.01 * torch::arange(3 * 64 * 64, torch::kFloat64)).reshape({1, 3, 64, 64});
  const auto c = net->pyramid(picture);
  struct Stage {
    mgca::Tensor value;
    int64_t channels, side;
    double mean, last, norm;
  };
  const std::vector<Stage> stages{{c.c1, 8, 32, 0.4743857582965816, 0.0, 73.3807758543014},
                                  {c.c2, 16, 16, 0.7301336557823649, 0.0, 66.78588602746991},
                                  {c.c3, 12, 8, 0.2796998092656653, 0.5838728123106243, 12.582616202152309},
                                  {c.c4, 14, 4, 0.13157257309412015, 0.8624251996973964, 3.6515666242250333},
                                  {c.c5, 11, 2, 0.2762552265663633, 0.0, 3.337712458360806}};
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const auto& s = stages[i];
    INFO("stage " << i + 1);
    CHECK(s.value.sizes() == at::IntArrayRef({1, s.channels, s.side, s.side}));
    CHECK(net->pyramid_widths()[i] == s.channels);
    CHECK(std::abs(s.value.mean().item<double>() - s.mean) < 1e-12);
    CHECK(std::abs(s.value.flatten()[-1].item<double>() - s.last) < 1e-11);
    CHECK(std::abs(s.value.norm().item<double>() - s.norm) < 1e-10);
  }
  const std::vector<double> global{0.588222914998, 0.0, 0.385029353276, 0.0, 0.058493527543, 0.0, 0.07491797898, 0.242145843232, 0.418629490501, 0.596685819279, 0.67468256442};
  const auto features = net(picture);
  CHECK((features.global[0] - torch::tensor(global, torch::kFloat64)).abs().max().item<double>() < 1e-11);
  CHECK(torch::equal(features.local[0][5], c.c4[0].select(1, 1).select(1, 1)));  // regions row by row
}

TEST_CASE("densenet: the published size, drawn as the reference draws", "[encoders][fast]") {
  torch::manual_seed(1);
  mgca::DenseNet net({});
  int64_t count = 0;
  for (const auto& p : net->parameters()) count += p.numel();
  CHECK(count == 6953856);  // torchvision's 7,978,856 without its classifier of 1024 x 1000 + 1000
  CHECK((net->global_width() == 1024 && net->local_width() == 1024));
  mgca::test::expect_normal(net->conv0->weight, std::sqrt(2.0 / (3 * 7 * 7)));
  mgca::test::expect_normal(net->named_parameters()["features.denseblock4.denselayer16.conv2.weight"], std::sqrt(2.0 / (128 * 9)));
}

TEST_CASE("densenet: gradients reach everything, and a batch is its images one by one", "[encoders][fast]") {
  mgca::DenseNet net({.layers = {1, 2, 1, 1}, .growth = 4, .width = 8, .image_size = 64});
  const auto images = torch::randn({3, 3, 64, 64});
  const auto features = net(images);
  CHECK(features.global.sizes() == at::IntArrayRef({3, net->global_width()}));
  CHECK(features.local.sizes() == at::IntArrayRef({3, 16, net->local_width()}));
  mgca::test::expect_gradients(*net, mgca::test::projected(features.global) + mgca::test::projected(features.local));
  net->eval();
  const torch::NoGradGuard no_grad;
  CHECK(torch::allclose(net(images).global[1], net(images.slice(0, 1, 2)).global[0], 1e-4, 1e-5));
  CHECK(torch::allclose(net(images).global, net(images.to(at::MemoryFormat::ChannelsLast)).global, 1e-4, 1e-5));
}

TEST_CASE("densenet: wrong sizes are refused with the remedy", "[encoders][fast]") {
  mgca::test::expect_error([] { mgca::DenseNet({.layers = {6, 12}}); }, {"4 blocks", "got 2"});
  mgca::test::expect_error([] { mgca::DenseNet({.growth = 0}); }, {"growth", "got 0"});
  mgca::DenseNet net({.layers = {1, 1, 1, 1}, .growth = 4, .width = 8, .image_size = 64});
  mgca::test::expect_error([&] { (void)net(torch::zeros({1, 3, 32, 32})); }, {"side 64", "[1, 3, 32, 32]", "image_size"});
  mgca::test::expect_error([&] { (void)net->pyramid(torch::zeros({1, 1, 64, 64})); }, {"(B, 3, H, W)", "[1, 1, 64, 64]"});
  mgca::test::expect_error([&] { (void)net->pyramid(torch::zeros({1, 3, 64, 64}, torch::kByte)); }, {"[-1, 1]", "Byte", "network_input"});
}

TEST_CASE("densenet: ranks can share the statistics of all its norms", "[encoders][fast]") {
  CHECK(mgca::test::all_norms_synchronise(*mgca::DenseNet({.layers = {2, 1, 1, 1}, .growth = 4, .width = 8, .image_size = 32})));
}

#include "distribution.hpp"
#include "expect_error.hpp"
#include "gradients.hpp"
#include "norms.hpp"

#include <mgca/heads/linear_probe.hpp>

TEST_CASE("linear_probe: a hidden layer changes the shape of nothing outside", "[heads][fast]") {
  for (const int64_t hidden : {0, 7}) {
    mgca::LinearProbe probe({.features = 6, .classes = 3, .hidden = hidden, .dropout = 0.1});
    auto features = torch::randn({4, 6}, torch::requires_grad());
    const auto logits = probe(features);
    CHECK(logits.sizes() == at::IntArrayRef({4, 3}));
    mgca::test::expect_gradients(*probe, mgca::test::projected(logits));
  }
}

TEST_CASE("linear_probe: one layer is a product and a shift; dropout acts in training only", "[heads][fast]") {
  mgca::LinearProbe probe({.features = 2, .classes = 1, .dropout = 0.5});
  const auto parameters = probe->named_parameters();
  const torch::NoGradGuard no_grad;
  parameters["block_forward.2.weight"].copy_(torch::tensor({{2.0, -1.0}}));
  parameters["block_forward.2.bias"].fill_(0.5);
  probe->eval();
  CHECK(probe(torch::tensor({{3.0F, 4.0F}})).item<float>() == 2.5F);
  probe->train();
  CHECK_FALSE(probe(torch::ones({64, 2})).eq(1.5).all().item<bool>());
}

TEST_CASE("linear_probe: a batch of one goes through in evaluation, with a hidden layer too", "[heads][fast]") {
  mgca::LinearProbe probe({.features = 6, .classes = 3, .hidden = 4});
  probe->eval();
  CHECK(probe(torch::randn({1, 6})).isfinite().all().item<bool>());
}

TEST_CASE("linear_probe: starts as torch's linear layer does", "[heads][fast]") {
  torch::manual_seed(1);
  mgca::LinearProbe probe({.features = 400, .classes = 10});
  mgca::test::expect_uniform(probe->named_parameters()["block_forward.2.weight"], 1 / std::sqrt(400.0));
}

TEST_CASE("linear_probe: features of another width and settings without meaning are refused with the remedy", "[heads][fast]") {
  mgca::LinearProbe probe({.features = 6, .classes = 3});
  mgca::test::expect_error([&] { probe(torch::zeros({2, 5})); }, {"(B, 6)", "[2, 5]", "global_width"});
  mgca::test::expect_error([&] { probe(torch::zeros({6})); }, {"(B, 6)", "[6]"});
  mgca::test::expect_error([] { mgca::LinearProbe({.features = 0}); }, {"features 0"});
  mgca::test::expect_error([] { mgca::LinearProbe({.dropout = 1}); }, {"dropout", "[0, 1)", "1"});
}

TEST_CASE("linear_probe: ranks can share the statistics of its hidden layer", "[heads][fast]") {
  CHECK(mgca::test::all_norms_synchronise(*mgca::LinearProbe({.features = 6, .classes = 3, .hidden = 4})));
}

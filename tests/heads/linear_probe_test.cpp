#include "catch.hpp"
#include "expect_error.hpp"
#include "golden.hpp"

#include <mgca/heads/linear_probe.hpp>

using mgca::test::Golden;

namespace {

mgca::LinearProbe golden_probe(const Golden& golden) {
  const auto& hidden = golden.config["hidden"];
  mgca::LinearProbe probe({.features = golden.config["in_features"],
                           .classes = golden.config["classes"],
                           .hidden = hidden.is_null() ? 0 : hidden.get<int64_t>()});
  mgca::test::fill_by_formula(*probe, "linear_layer.", golden.config["weights"]["seed"]);
  return probe;
}

}  // namespace

TEST_CASE("linear_probe: first loss, gradients and parameter names equal the reference", "[heads][golden][fast]") {
  for (const std::string name : {"linear_probe", "mlp_probe"}) {
    const Golden golden(name);
    auto probe = golden_probe(golden);
    const auto logits = probe(golden.batch.at("features")[0]);
    const auto loss = torch::binary_cross_entropy_with_logits(logits, golden.batch.at("labels")[0]);
    loss.backward();
    INFO(name);
    CHECK(loss.item<double>() == Approx(golden.expected.at("losses")[0].item<double>()).epsilon(1e-5));
    int64_t checked = 0;
    for (const auto& item : probe->named_parameters()) {
      golden.check("grad." + item.key(), item.value().grad());
      ++checked;
    }
    CHECK(checked == (name == "linear_probe" ? 2 : 5));
  }
}

TEST_CASE("linear_probe: a hidden layer changes the shape of nothing outside", "[heads][fast]") {
  for (const int64_t hidden : {0, 7}) {
    mgca::LinearProbe probe({.features = 6, .classes = 3, .hidden = hidden, .dropout = 0.1});
    auto features = torch::randn({4, 6}, torch::requires_grad());
    const auto logits = probe(features);
    CHECK(logits.sizes() == at::IntArrayRef({4, 3}));
    logits.square().sum().backward();
    for (const auto& item : probe->named_parameters()) {
      INFO(item.key());
      REQUIRE(item.value().grad().defined());
      CHECK(item.value().grad().abs().sum().item<double>() > 0);
    }
  }
}

TEST_CASE("linear_probe: features of another width are refused with the remedy", "[heads][fast]") {
  mgca::LinearProbe probe({.features = 6, .classes = 3});
  mgca::test::expect_error([&] { probe(torch::zeros({2, 5})); }, {"(B, 6)", "[2, 5]", "global_width"});
  mgca::test::expect_error([] { mgca::LinearProbe({.features = 0}); }, {"features 0"});
}

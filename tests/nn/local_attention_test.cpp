#include "expect_error.hpp"
#include "golden.hpp"
#include "gradients.hpp"

#include <mgca/nn/local_attention.hpp>

TEST_CASE("local_attention: both directions equal the reference with two heads", "[nn][golden][fast]") {
  const mgca::test::Golden golden("mgca_vit_mha2");
  const auto &words = golden.expected.at("text.local"), &patches = golden.expected.at("image.local");
  const auto layer = [&](const std::string& name) {
    mgca::LocalAttention attention({.width = words.size(2), .heads = golden.config["model"]["num_heads"]});
    mgca::test::fill_by_formula(*attention, name + ".", golden.config["weights"]["seed"]);
    return attention;
  };
  golden.check("cta.word.out_pre", layer("word_local_atten_layer")(words, patches));
  golden.check("cta.patch.out_pre", layer("patch_local_atten_layer")(patches, words, golden.expected.at("text.pad_mask") == 0));
}

TEST_CASE("local_attention: shapes follow queries, and the gradient reaches every parameter", "[nn][fast]") {
  mgca::LocalAttention attention({.width = 8, .heads = 2});
  const auto y = attention(torch::randn({2, 3, 8}), torch::randn({2, 5, 8}));
  CHECK(y.sizes() == at::IntArrayRef({2, 3, 8}));
  mgca::test::expect_gradients(*attention, mgca::test::projected(y));
}

TEST_CASE("local_attention: masked keys are as if they were not there; without any the result is finite", "[nn][fast]") {
  mgca::LocalAttention attention({.width = 8, .heads = 2});
  const auto queries = torch::randn({2, 3, 8}), keys = torch::randn({2, 5, 8});
  const auto valid = torch::tensor({{1, 1, 0, 0, 0}, {0, 0, 0, 0, 0}}, torch::kBool);
  const auto y = attention(queries, keys, valid);
  CHECK(torch::allclose(y[0], attention(queries, keys.slice(1, 0, 2))[0], 1e-5, 1e-6));
  CHECK(y.isfinite().all().item<bool>());
}

TEST_CASE("local_attention: starts as the reference's module does", "[nn][fast]") {
  mgca::LocalAttention attention({.width = 128});
  CHECK(attention->in_proj_bias.eq(0).all().item<bool>());
  CHECK(attention->out_proj->bias.eq(0).all().item<bool>());
  const double bound = std::sqrt(6.0 / (128 + 3 * 128));
  CHECK(attention->in_proj_weight.abs().max().item<double>() <= bound);
  CHECK(attention->in_proj_weight.std().item<double>() == Approx(bound / std::sqrt(3.0)).epsilon(0.02));
}

TEST_CASE("local_attention: a width that heads do not divide is refused", "[nn][fast]") {
  mgca::test::expect_error([] { mgca::LocalAttention({.width = 10, .heads = 3}); }, {"width 10", "heads 3"});
}

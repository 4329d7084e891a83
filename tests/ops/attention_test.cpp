#include "golden.hpp"
#include "gradients.hpp"

#include <mgca/ops/attention.hpp>

using mgca::Tensor;
using mgca::test::random_tensor;
namespace ops = mgca::ops;

TEST_CASE("attention: the last block's weights equal the reference", "[ops][golden][fast]") {
  const mgca::test::Golden golden("mgca_vit_eval");
  const auto& tokens = golden.expected.at("image.block.0");  // what the last block reads
  const int64_t B = tokens.size(0), N = tokens.size(1), D = tokens.size(2), heads = golden.config["image"]["heads"];
  const auto weight = [&](const std::string& name, at::IntArrayRef shape) {
    return mgca::test::formula_weight("img_encoder_q.model.blocks.1." + name, shape, golden.config["weights"]["seed"]);
  };
  const auto x = torch::layer_norm(tokens, {D}, weight("norm1.weight", {D}), weight("norm1.bias", {D}), 1e-6);
  const auto parts = torch::linear(x, weight("attn.qkv.weight", {3 * D, D}), weight("attn.qkv.bias", {3 * D}))
                         .view({B, N, 3, heads, D / heads})
                         .permute({2, 0, 3, 1, 4});
  golden.check("image.last_attention", ops::attention_weights(parts[0], parts[1]));
}

TEST_CASE("attention: the fused kernel mixes by the weights, with and without a bias", "[ops][fast]") {
  const auto query = random_tensor({2, 3, 5, 4}, 1), key = random_tensor({2, 3, 7, 4}, 2), value = random_tensor({2, 3, 7, 4}, 3);
  const auto bias = torch::arange(7).ge(5).to(torch::kFloat64).mul(-1e4).view({1, 1, 1, 7}).expand({2, 1, 1, 7});
  for (const auto& added : {Tensor(), bias}) {
    const auto weights = ops::attention_weights(query, key, added);
    CHECK(weights.sizes() == at::IntArrayRef({2, 3, 5, 7}));
    CHECK(torch::allclose(weights.sum(-1), torch::ones({2, 3, 5}, torch::kFloat64)));
    const auto mixed = ops::attend({.query = query, .key = key, .value = value, .bias = added});
    CHECK(mixed.sizes() == at::IntArrayRef({2, 3, 5, 4}));
    CHECK(torch::allclose(mixed, weights.matmul(value)));
  }
  CHECK(ops::attention_weights(query, key, bias).slice(-1, 5).abs().max().item<double>() == 0);
}

TEST_CASE("attention: the derivative of the fused kernel is right", "[ops][fast]") {
  const auto query = random_tensor({1, 2, 3, 4}, 1), key = random_tensor({1, 2, 3, 4}, 2), value = random_tensor({1, 2, 3, 4}, 3);
  const auto f = [&](const Tensor& q, const Tensor& k) { return (ops::attend({.query = q, .key = k, .value = value, .bias = {}}) * value).sum(); };
  CHECK(mgca::test::gradient_is_right([&](const Tensor& x) { return f(x, key); }, query));
  CHECK(mgca::test::gradient_is_right([&](const Tensor& x) { return f(query, x); }, key));
}

TEST_CASE("attention: one query alone has the weights it has among others, in single precision at least", "[ops][fast]") {
  const auto query = random_tensor({2, 3, 5, 4}, 1), key = random_tensor({2, 3, 7, 4}, 2);
  CHECK(torch::allclose(ops::attention_weights(query.slice(2, 0, 1), key), ops::attention_weights(query, key).slice(2, 0, 1)));
  CHECK(ops::attention_weights(query.to(torch::kBFloat16), key.to(torch::kBFloat16)).scalar_type() == torch::kFloat32);
}

TEST_CASE("attention: dropout keeps the mean and draws from torch's generator", "[ops][fast]") {
  const auto query = torch::zeros({1, 1, 64, 4}), value = torch::ones({1, 1, 64, 4});
  const auto draw = [&] {
    torch::manual_seed(3);
    return ops::attend({.query = query, .key = query, .value = value, .bias = {}}, 0.5);
  };
  const auto mixed = draw();
  CHECK(torch::equal(mixed, draw()));
  CHECK(mixed.min().item<float>() < 1);
  CHECK(mixed.mean().item<float>() == Approx(1).margin(0.05));
}

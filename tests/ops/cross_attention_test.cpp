#include "expect_error.hpp"
#include "golden.hpp"
#include "gradients.hpp"

#include <mgca/ops/cross_attention.hpp>

using mgca::Tensor;
using mgca::test::random_tensor;
namespace ops = mgca::ops;

TEST_CASE("cross_attention: words over patches and patches over words equal the reference", "[ops][golden][fast]") {
  const mgca::test::Golden golden("mgca_vit_eval");
  const auto &words = golden.expected.at("text.local"), &patches = golden.expected.at("image.local");
  const double temperature = golden.config["model"]["local_temperature"];
  const auto word = ops::cross_attention(words, patches, temperature);
  golden.check("cta.word.attention", word.weights);
  golden.check("cta.word.out_pre", word.mixed);
  const auto patch = ops::cross_attention(patches, words, temperature, golden.expected.at("text.pad_mask") == 0);
  golden.check("cta.patch.attention", patch.weights);
  golden.check("cta.patch.out_pre", patch.mixed);
}

TEST_CASE("cross_attention: masked keys receive nothing, a row without keys is zero and finite", "[ops][fast]") {
  const auto queries = ops::unit(random_tensor({2, 3, 8}, 5)), keys = ops::unit(random_tensor({2, 4, 8}, 6));
  const auto valid = torch::tensor({{1, 1, 0, 0}, {0, 0, 0, 0}}, torch::kBool);
  const auto out = ops::cross_attention(queries, keys, 0.1, valid);
  CHECK(out.weights.sizes() == at::IntArrayRef({2, 3, 4}));
  CHECK(out.mixed.sizes() == at::IntArrayRef({2, 3, 8}));
  CHECK(torch::allclose(out.weights[0].sum(-1), torch::ones({3}, torch::kFloat64)));
  CHECK(out.weights[0].slice(1, 2).abs().sum().item<double>() == 0);
  CHECK(out.mixed[1].abs().sum().item<double>() == 0);
  CHECK(torch::allclose(out.mixed[0], ops::cross_attention(queries.slice(0, 0, 1), keys.slice(0, 0, 1).slice(1, 0, 2), 0.1).mixed[0]));
  auto leaf = random_tensor({2, 3, 8}, 7).requires_grad_();
  ops::cross_attention(leaf, keys, 0.1, valid).mixed.sum().backward();
  CHECK(leaf.grad().isfinite().all().item<bool>());
}

TEST_CASE("cross_attention: the derivative is right for queries and keys", "[ops][fast]") {
  const auto queries = random_tensor({2, 3, 4}, 8), keys = random_tensor({2, 4, 4}, 6);
  const auto valid = torch::tensor({{1, 1, 0, 0}, {1, 1, 1, 1}}, torch::kBool);
  CHECK(mgca::test::gradient_is_right([&](const Tensor& x) { return (ops::cross_attention(x, keys, 0.5, valid).mixed * queries).sum(); }, queries));
  CHECK(mgca::test::gradient_is_right([&](const Tensor& x) { return (ops::cross_attention(queries, x, 0.5, valid).mixed * queries).sum(); }, keys));
}

TEST_CASE("cross_attention: inside autocast f32 embeddings mix to the same bits", "[ops][fast]") {
  const auto t = ops::unit(random_tensor({2, 9, 32}, 3)).to(torch::kFloat32), o = ops::unit(random_tensor({2, 9, 32}, 4)).to(torch::kFloat32);
  const auto outside = ops::cross_attention(t, o, 0.1).mixed;
  const mgca::AutocastScope autocast(mgca::Precision::bf16, torch::kCPU);
  CHECK(torch::equal(ops::cross_attention(t, o, 0.1).mixed, outside));
}

TEST_CASE("cross_attention: shapes that do not fit and a temperature of 0 are refused", "[ops][fast]") {
  const auto queries = torch::zeros({2, 3, 8}), keys = torch::zeros({2, 4, 8});
  mgca::test::expect_error([&] { (void)ops::cross_attention(queries, keys.slice(2, 1), 0.1); }, {"[2, 3, 8]", "[2, 4, 7]"});
  mgca::test::expect_error([&] { (void)ops::cross_attention(queries[0], keys, 0.1); }, {"[3, 8]"});
  mgca::test::expect_error([&] { (void)ops::cross_attention(queries, keys, 0.1, torch::ones({2, 3}, torch::kBool)); }, {"(B, N)", "[2, 3]"});
  mgca::test::expect_error([&] { (void)ops::cross_attention(queries, keys, -1); }, {"temperature", "-1"});
}

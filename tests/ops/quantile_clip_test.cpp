#include "expect_error.hpp"
#include "golden.hpp"
#include "gradients.hpp"

#include <mgca/ops/quantile_clip.hpp>

#include <cmath>

namespace ops = mgca::ops;

TEST_CASE("quantile_clip: weights of words and patches equal the reference", "[ops][golden][fast]") {
  const mgca::test::Golden golden("mgca_vit_eval");
  const auto& words = golden.expected.at("text.word_attention");
  golden.check("cta.word.weights", ops::quantile_clip(words, words.ne(0)));
  const auto patches = golden.expected.at("image.last_attention").select(2, 0).slice(-1, 1).mean(1);
  golden.check("cta.patch.weights", ops::quantile_clip(patches, torch::ones(patches.sizes(), torch::kBool)));
}

TEST_CASE("quantile_clip: the documented example, and rows of every awkward kind", "[ops][fast]") {
  const auto weights = torch::tensor({{0.05, 0.1, 0.2, 0.25, 0.4}, {0.05, 0.1, 0.2, 0.25, 0.4}, {0.3, 0.0, 0.0, 0.0, 0.0}, {0.0, 0.0, 0.0, 0.0, 0.0}, {1.0, 2.0, 3.0, 4.0, 5.0}}, torch::kFloat64);
  auto counted = torch::ones({5, 5}, torch::kBool);
  counted[2] = torch::tensor({true, false, false, false, false});
  counted[4] = torch::zeros({5}, torch::kBool);
  const auto out = ops::quantile_clip(weights, counted);
  CHECK(out.sizes() == weights.sizes());
  CHECK(torch::allclose(out[0], torch::tensor({0.07291667, 0.10416667, 0.20833333, 0.26041667, 0.35416667}, torch::kFloat64), 1e-6, 1e-8));
  CHECK(torch::equal(out[0], out[1]));
  CHECK(out[2][0].item<double>() == 1);
  CHECK(torch::allclose(out[3], torch::full({5}, 0.2, torch::kFloat64)));  // a sum of 0 is spread evenly
  CHECK(out[4].abs().sum().item<double>() == 0);                            // nothing counts
  CHECK_FALSE(ops::quantile_clip(weights.clone().requires_grad_(), counted).requires_grad());
}

TEST_CASE("quantile_clip: entries that do not count are as if they were not there", "[ops][fast]") {
  const auto weights = mgca::test::random_tensor({3, 9}, 1).abs();
  const auto counted = torch::arange(9).lt(6).expand({3, 9});
  const auto out = ops::quantile_clip(weights, counted);
  CHECK(torch::allclose(out.slice(1, 0, 6), ops::quantile_clip(weights.slice(1, 0, 6), counted.slice(1, 0, 6))));
  CHECK(out.slice(1, 6).abs().sum().item<double>() == 0);
  // The quantiles are torch's own, which cannot leave entries out.
  const auto row = weights[0].slice(0, 0, 6);
  const auto clipped = row.maximum(row.quantile(0.1)).minimum(row.quantile(0.9));
  CHECK(torch::allclose(out[0].slice(0, 0, 6), clipped / clipped.sum()));
}

TEST_CASE("quantile_clip: not-a-number is not hidden", "[ops][fast]") {
  auto weights = torch::rand({2, 4});
  weights[1][2] = std::nan("");
  const auto clipped = ops::quantile_clip(weights, torch::ones({2, 4}, torch::kBool));
  CHECK(clipped[0].isfinite().all().item<bool>());
  CHECK(clipped[1].isnan().any().item<bool>());
}

TEST_CASE("quantile_clip: shapes, types and quantiles that make no sense are refused", "[ops][fast]") {
  const auto weights = torch::rand({2, 4});
  const auto counted = torch::ones({2, 4}, torch::kBool);
  mgca::test::expect_error([&] { (void)ops::quantile_clip(weights[0], counted[0]); }, {"(B, N)", "[4]"});
  mgca::test::expect_error([&] { (void)ops::quantile_clip(weights, counted.slice(1, 1)); }, {"[2, 4]", "[2, 3]"});
  mgca::test::expect_error([&] { (void)ops::quantile_clip(weights, torch::ones({2, 4})); }, {"bool", "Float"});
  mgca::test::expect_error([&] { (void)ops::quantile_clip(weights, counted, {.low = 0.9, .high = 0.1}); }, {"0.9", "0.1"});
}

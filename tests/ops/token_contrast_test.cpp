#include "expect_error.hpp"
#include "golden.hpp"
#include "gradients.hpp"

#include <mgca/ops/token_contrast.hpp>

#include <cmath>

using mgca::Tensor;
using mgca::test::random_tensor;
namespace ops = mgca::ops;

TEST_CASE("token_contrast: the word branch equals the reference", "[ops][golden][fast]") {
  const mgca::test::Golden golden("mgca_vit_eval");
  const auto& words = golden.expected.at("text.local");
  const auto found = ops::token_contrast({.tokens = words, .attended = golden.expected.at("cta.word.out"),
                                          .weights = golden.expected.at("cta.word.weights"), .valid = {},
                                          .samples = torch::full({}, static_cast<double>(words.size(0)))},
                                         golden.config["model"]["local_temperature"]);
  golden.check("cta.word.sim", found.similarity);
  golden.check("cta.word.ce_row", found.row_loss);
  golden.check("cta.word.ce_col", found.column_loss);
  golden.check("cta.word.loss_row", found.rows.view(1));
  golden.check("cta.word.loss_col", found.columns.view(1));
  golden.check("cta.word.loss", found.mean().view(1));
}

TEST_CASE("token_contrast: tokens that found themselves at right angles cost what the formula says", "[ops][fast]") {
  // One sample of two tokens, weights 1/4 and 3/4, temperature 1: each cross-entropy is ln(1 + 1/e), the weights sum to 1.
  const auto tokens = torch::eye(2, torch::kFloat64).unsqueeze(0);
  const auto found = ops::token_contrast({.tokens = tokens, .attended = tokens, .weights = torch::tensor({{0.25, 0.75}}, torch::kFloat64),
                                          .valid = {}, .samples = torch::ones({}, torch::kFloat64)}, 1);
  CHECK(found.similarity.sizes() == at::IntArrayRef({1, 2, 2}));
  CHECK(found.row_loss.sizes() == at::IntArrayRef({1, 2}));
  CHECK(found.mean().item<double>() == Approx(std::log1p(std::exp(-1.0))));
}

TEST_CASE("token_contrast: invalid tokens are as if they were not there, with the right derivative", "[ops][fast]") {
  const auto tokens = ops::unit(random_tensor({2, 5, 8}, 9)), found = ops::unit(random_tensor({2, 5, 8}, 10));
  const auto valid = torch::tensor({{1, 1, 1, 0, 0}, {1, 1, 1, 0, 0}}, torch::kBool);
  const auto weights = valid.to(torch::kFloat64) / 3;
  const auto samples = torch::full({}, 2.0, torch::kFloat64);
  const auto masked = ops::token_contrast({.tokens = tokens, .attended = found, .weights = weights, .valid = valid, .samples = samples}, 0.1);
  const auto brief = ops::token_contrast({.tokens = tokens.slice(1, 0, 3), .attended = found.slice(1, 0, 3), .weights = weights.slice(1, 0, 3),
                                          .valid = {}, .samples = samples}, 0.1);
  CHECK(masked.mean().item<double>() == Approx(brief.mean().item<double>()));
  CHECK(masked.row_loss.slice(1, 3).abs().sum().item<double>() == 0);
  CHECK(mgca::test::gradient_is_right([&](const Tensor& x) {
    return ops::token_contrast({.tokens = x, .attended = found, .weights = weights, .valid = valid, .samples = samples}, 0.5).mean();
  }, random_tensor({2, 5, 8}, 11)));
}

TEST_CASE("token_contrast: inside autocast f32 embeddings cost the same bits", "[ops][fast]") {
  const auto t = ops::unit(random_tensor({2, 9, 32}, 3)).to(torch::kFloat32), o = ops::unit(random_tensor({2, 9, 32}, 4)).to(torch::kFloat32);
  const auto cost = [&] {
    return ops::token_contrast({.tokens = t, .attended = o, .weights = torch::full({2, 9}, 1.0F / 9), .valid = {}, .samples = torch::full({}, 2.0F)}, 0.1).mean();
  };
  const auto outside = cost();
  const mgca::AutocastScope autocast(mgca::Precision::bf16, torch::kCPU);
  CHECK(torch::equal(cost(), outside));
}

TEST_CASE("token_contrast: shapes that do not fit are refused", "[ops][fast]") {
  const auto t = torch::zeros({2, 5, 8}), w = torch::zeros({2, 5}), one = torch::ones({});
  mgca::test::expect_error([&] { (void)ops::token_contrast({.tokens = t, .attended = t.slice(1, 1), .weights = w, .valid = {}, .samples = one}, 0.1); },
                           {"[2, 5, 8]", "[2, 4, 8]"});
  mgca::test::expect_error([&] { (void)ops::token_contrast({.tokens = t, .attended = t, .weights = w.slice(1, 1), .valid = {}, .samples = one}, 0.1); },
                           {"(B, L)", "[2, 4]"});
}

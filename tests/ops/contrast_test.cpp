#include "catch.hpp"
#include "expect_error.hpp"
#include "gradient_check.hpp"

#include <mgca/ops/contrast.hpp>

#include <cmath>

namespace ops = mgca::ops;

TEST_CASE("contrast: two orthogonal pairs, by hand", "[ops][fast]") {
  const auto eye = torch::eye(2, torch::kFloat64);
  const auto out = ops::contrast(eye, eye, {.temperature = 0.5});
  const double one_way = std::log1p(std::exp(-2.0));
  CHECK(out.logits[0][0].item<double>() == Approx(2.0));
  CHECK(out.image_to_text.item<double>() == Approx(one_way));
  CHECK(out.loss.item<double>() == Approx(2 * one_way));
}

TEST_CASE("contrast: equals the cross-entropies of both directions", "[ops][fast]") {
  torch::manual_seed(1);
  const auto images = ops::unit(torch::randn({6, 16}));
  const auto texts = ops::unit(torch::randn({6, 16}));
  const auto out = ops::contrast(images, texts);
  const auto labels = torch::arange(6);
  CHECK(torch::allclose(out.image_to_text, torch::cross_entropy_loss(out.logits, labels), 1e-5, 1e-6));
  CHECK(torch::allclose(out.text_to_image, torch::cross_entropy_loss(out.logits.t(), labels), 1e-5, 1e-6));
}

TEST_CASE("contrast: exchanging the sides exchanges the directions, permuting the pairs changes nothing",
          "[ops][fast]") {
  torch::manual_seed(2);
  const auto images = ops::unit(torch::randn({7, 8}));
  const auto texts = ops::unit(torch::randn({7, 8}));
  const auto out = ops::contrast(images, texts);
  const auto swapped = ops::contrast(texts, images);
  CHECK(torch::allclose(out.image_to_text, swapped.text_to_image));
  const auto order = torch::randperm(7);
  const auto permuted = ops::contrast(images.index_select(0, order), texts.index_select(0, order));
  CHECK(torch::allclose(out.loss, permuted.loss));
}

TEST_CASE("contrast: gradient agrees with differences, and a single pair costs nothing", "[ops][fast]") {
  torch::manual_seed(3);
  mgca::test::check_gradients(
      [](const auto& in) { return ops::contrast(in[0], in[1]).loss; },
      {ops::unit(torch::randn({3, 4}, torch::kFloat64)), ops::unit(torch::randn({3, 4}, torch::kFloat64))});
  auto one = torch::randn({1, 4}, torch::requires_grad());
  const auto loss = ops::contrast(one, torch::ones({1, 4})).loss;
  loss.backward();
  CHECK(loss.item<float>() == 0);
  CHECK(one.grad().abs().max().item<float>() == 0);
}

TEST_CASE("contrast: half precision and autocast change only the rounding of the inputs", "[ops][fast]") {
  torch::manual_seed(4);
  const auto images = ops::unit(torch::randn({4, 8})).to(torch::kBFloat16);
  const auto texts = ops::unit(torch::randn({4, 8})).to(torch::kBFloat16);
  const auto expected = ops::contrast(images.to(torch::kFloat32), texts.to(torch::kFloat32)).loss;
  const mgca::AutocastScope autocast(mgca::Precision::bf16, torch::kCPU);
  CHECK(torch::equal(ops::contrast(images, texts).loss, expected));
}

TEST_CASE("top_k_accuracy: counts rows whose own column is near the top", "[ops][fast]") {
  const auto logits = torch::tensor({{3.0F, 2.0F, 1.0F}, {3.0F, 2.0F, 1.0F}, {3.0F, 2.0F, 1.0F}});
  CHECK(ops::top_k_accuracy(logits, 1).item<float>() == Approx(100.0 / 3));
  CHECK(ops::top_k_accuracy(logits, 2).item<float>() == Approx(200.0 / 3));
  CHECK(ops::top_k_accuracy(logits, 5).item<float>() == Approx(100));  // k becomes B
  CHECK(ops::top_k_accuracy(logits.t(), 1).item<float>() == Approx(100.0 / 3));
}

TEST_CASE("top_k_accuracy: a collapsed model scores as by chance", "[ops][fast]") {
  const auto logits = torch::ones({10, 10});
  CHECK(ops::retrieval_accuracy(logits, 1).item<float>() == Approx(10));
  CHECK(ops::retrieval_accuracy(logits, 5).item<float>() == Approx(50));
}

TEST_CASE("contrast: batches that do not pair up are refused", "[ops][fast]") {
  mgca::test::expect_error([] { (void)ops::contrast(torch::ones({2, 3}), torch::ones({3, 3})); }, {"[2, 3]", "[3, 3]"});
  mgca::test::expect_error([] { (void)ops::top_k_accuracy(torch::ones({2, 3}), 1); }, {"square"});
}

#include "expect_error.hpp"
#include "golden.hpp"
#include "gradients.hpp"

#include <mgca/ops/contrast.hpp>

using mgca::Tensor;
using mgca::test::random_tensor;
namespace ops = mgca::ops;

TEST_CASE("contrast: logits, losses and accuracies equal the reference", "[ops][golden][fast]") {
  const mgca::test::Golden golden("mgca_vit_eval");
  const auto found = ops::contrast(golden.expected.at("image.global"), golden.expected.at("text.global"),
                                   golden.config["model"]["softmax_temperature"]);
  golden.check("ita.logits", found.logits);
  golden.check("ita.loss_i2t", found.image_to_text.view(1));
  golden.check("ita.loss_t2i", found.text_to_image.view(1));
  golden.check("ita.loss", found.sum().view(1));
  golden.check("ita.acc1_i2t", 100 * ops::top_k_accuracy(found.logits, 1).view(1));
  golden.check("ita.acc1_t2i", 100 * ops::top_k_accuracy(found.logits.t(), 1).view(1));
  golden.check("ita.acc5", 100 * ops::pairing_accuracy(found.logits, 5).view(1));
}

TEST_CASE("contrast: equal pairs are found, one pair costs nothing", "[ops][fast]") {
  const auto rows = ops::unit(random_tensor({6, 16}, 2));
  const auto found = ops::contrast(rows, rows, 0.07);
  CHECK(found.logits.sizes() == at::IntArrayRef({6, 6}));
  CHECK(found.image_to_text.item<double>() < 1e-2);
  CHECK(ops::pairing_accuracy(found.logits, 1).item<float>() == 1);
  CHECK(ops::contrast(rows.slice(0, 0, 1), rows.slice(0, 1, 2), 0.07).sum().item<double>() == Approx(0).margin(1e-12));
}

TEST_CASE("contrast: exchanging images and reports exchanges the losses; the derivative is right", "[ops][fast]") {
  const auto rows = ops::unit(random_tensor({6, 16}, 2)), other = ops::unit(random_tensor({6, 16}, 3));
  CHECK(ops::contrast(rows, other, 0.07).image_to_text.item<double>() == Approx(ops::contrast(other, rows, 0.07).text_to_image.item<double>()));
  CHECK(mgca::test::gradient_is_right([&](const Tensor& x) { return ops::contrast(ops::unit(x), other, 0.5).sum(); }, random_tensor({6, 16}, 4)));
}

TEST_CASE("contrast: one step by hand", "[ops][fast]") {
  // Two pairs at right angles, temperature 1: each row is (1, 0), so each costs ln(1 + 1/e).
  const auto rows = torch::eye(2, torch::kFloat64);
  CHECK(ops::contrast(rows, rows, 1).sum().item<double>() == Approx(2 * std::log1p(std::exp(-1.0))));
}

TEST_CASE("top_k_accuracy: k beyond the batch is the batch", "[ops][fast]") {
  const auto logits = random_tensor({3, 3}, 5);
  CHECK(ops::pairing_accuracy(logits, 5).item<float>() == 1);
  CHECK(ops::pairing_accuracy(torch::zeros({1, 1}), 5).item<float>() == 1);
  CHECK_FALSE(ops::pairing_accuracy(logits.requires_grad_(), 1).requires_grad());
}

TEST_CASE("top_k_accuracy: a collapsed model scores as by chance", "[ops][fast]") {
  CHECK(ops::pairing_accuracy(torch::ones({10, 10}), 1).item<float>() == Approx(0.1));
  CHECK(ops::pairing_accuracy(torch::ones({10, 10}), 5).item<float>() == Approx(0.5));
}

TEST_CASE("contrast: inside autocast the losses of f32 embeddings do not change by a bit", "[ops][fast]") {
  const auto a = ops::unit(random_tensor({8, 32}, 1)).to(torch::kFloat32), b = ops::unit(random_tensor({8, 32}, 2)).to(torch::kFloat32);
  const auto outside = ops::contrast(a, b, 0.07).sum();
  const mgca::AutocastScope autocast(mgca::Precision::bf16, torch::kCPU);
  CHECK(torch::equal(ops::contrast(a, b, 0.07).sum(), outside));
}

TEST_CASE("contrast: unequal batches, other ranks and a temperature of 0 are refused", "[ops][fast]") {
  const auto rows = torch::zeros({6, 16});
  mgca::test::expect_error([&] { (void)ops::contrast(rows, rows.slice(0, 0, 5), 0.07); }, {"[6, 16]", "[5, 16]"});
  mgca::test::expect_error([&] { (void)ops::contrast(rows[0], rows[0], 0.07); }, {"(B, D)", "[16]"});
  mgca::test::expect_error([&] { (void)ops::contrast(rows, rows, 0); }, {"temperature", "0"});
}

#include "expect_error.hpp"
#include "golden_embeddings.hpp"
#include "gradients.hpp"

#include <mgca/align/cpa.hpp>

using mgca::Tensor;
using mgca::test::random_tensor;

TEST_CASE("cpa: scores, codes and losses equal the reference in both profiles", "[align][golden][fast]") {
  for (const std::string name : {"mgca_vit_eval", "mgca_fixed_vit_eval"}) {
    const mgca::test::Golden golden(name);
    INFO(name);
    const auto& model = golden.config["model"];
    const auto found = mgca::align::cpa(mgca::test::golden_image(golden).global, mgca::test::golden_text(golden).global,
                                        golden.expected.at("cpa.prototypes"), model["proto_temperature"],
                                        {.iterations = model["sinkhorn_iterations"], .epsilon = model["epsilon"]});
    golden.check("cpa.scores_img", found.image_scores);
    golden.check("cpa.scores_txt", found.text_scores);
    golden.check("cpa.codes_img", found.image_codes);
    golden.check("cpa.codes_txt", found.text_codes);
    golden.check("cpa.loss_i2t", found.image_to_text.view(1));
    golden.check("cpa.loss_t2i", found.text_to_image.view(1));
    golden.check("cpa.loss", found.value().view(1));
  }
}

TEST_CASE("cpa: codes send back no gradient, scores send it to both sides and to the prototypes", "[align][fast]") {
  const auto image = random_tensor({4, 8}, 1).requires_grad_(), text = random_tensor({4, 8}, 2).requires_grad_(),
             prototypes = random_tensor({5, 8}, 3).requires_grad_();
  const auto found = mgca::align::cpa(image, text, prototypes, 0.2, {});
  CHECK(found.image_codes.sizes() == at::IntArrayRef({4, 5}));
  CHECK_FALSE(found.image_codes.requires_grad());
  found.value().backward();
  for (const auto& leaf : {image, text, prototypes}) CHECK(leaf.grad().abs().sum().item<double>() > 0);
}

TEST_CASE("cpa: the loss is each side's cross-entropy against the other's codes", "[align][fast]") {
  const auto image = mgca::ops::unit(random_tensor({4, 8}, 1)), text = mgca::ops::unit(random_tensor({4, 8}, 2)),
             prototypes = mgca::ops::unit(random_tensor({5, 8}, 3));
  const auto found = mgca::align::cpa(image, text, prototypes, 0.2, {});
  const auto entropy = [](const Tensor& codes, const Tensor& scores) { return at::cross_entropy_loss(scores / 0.2, codes).item<double>(); };
  CHECK(found.image_to_text.item<double>() == Approx(entropy(mgca::ops::sinkhorn(image.mm(prototypes.t())), text.mm(prototypes.t()))));
  CHECK(found.text_to_image.item<double>() == Approx(entropy(mgca::ops::sinkhorn(text.mm(prototypes.t())), image.mm(prototypes.t()))));
  CHECK(found.value().item<double>() == Approx((found.image_to_text.item<double>() + found.text_to_image.item<double>()) / 2));
}

TEST_CASE("cpa: a batch of one is finite, widths that differ are refused", "[align][fast]") {
  const auto one = mgca::ops::unit(random_tensor({1, 8}, 1));
  CHECK(mgca::align::cpa(one, one, random_tensor({5, 8}, 3), 0.2, {}).value().isfinite().item<bool>());
  mgca::test::expect_error([&] { (void)mgca::align::cpa(one, one, torch::zeros({5, 7}), 0.2, {}); }, {"(K, D)", "[5, 7]"});
  mgca::test::expect_error([&] { (void)mgca::align::cpa(one, one.repeat({2, 1}), torch::zeros({5, 8}), 0.2, {}); }, {"[1, 8]", "[2, 8]"});
}

#include "align_golden.hpp"
#include "gradient_check.hpp"

using mgca::test::Golden;

TEST_CASE("cpa: prototypes, scores, codes and losses equal the reference", "[align][golden][fast]") {
  for (const std::string name : {"mgca_vit_eval", "mgca_vit_mha2", "mgca_vit_oneway", "mgca_fixed_vit_eval"}) {
    const Golden golden(name);
    const mgca::test::StoredEmbeddings stored(golden);
    auto cpa = mgca::test::golden_cpa(golden);
    const auto out = cpa(stored.image, stored.text);
    golden.check("cpa.prototypes", out.prototypes);
    golden.check("cpa.scores_img", out.image_scores);
    golden.check("cpa.scores_txt", out.text_scores);
    golden.check("cpa.codes_img", out.image_codes);
    golden.check("cpa.codes_txt", out.text_codes);
    golden.check("cpa.loss_i2t", out.image_to_text);
    golden.check("cpa.loss_t2i", out.text_to_image);
    golden.check("cpa.loss", out.loss);
  }
}

TEST_CASE("cpa: with ita it gives the reference's gradients at the global embeddings", "[align][golden][fast]") {
  for (const std::string name : {"mgca_vit_eval", "mgca_vit_oneway", "mgca_fixed_vit_eval"}) {
    const Golden golden(name);
    const mgca::test::StoredEmbeddings stored(golden);
    const auto& model = golden.config["model"];
    auto cpa = mgca::test::golden_cpa(golden);
    const auto ita = mgca::align::ita(stored.image, stored.text, {.temperature = model["softmax_temperature"]});
    (ita.contrast.loss * model["lambda_1"].get<double>() +
     cpa(stored.image, stored.text).loss * model["lambda_3"].get<double>())
        .backward();
    golden.check("grad_of.image.global", stored.image.global.grad());
    golden.check("grad_of.text.global", stored.text.global.grad());
  }
}

namespace {
mgca::Embeddings unit_rows(int64_t B) { return {.global = mgca::ops::unit(torch::randn({B, 4}))}; }
}  // namespace

TEST_CASE("cpa: training overwrites the prototypes by unit rows, evaluation uses a copy", "[align][fast]") {
  torch::manual_seed(1);
  const auto image = unit_rows(3);
  const auto text = unit_rows(3);
  for (const auto profile : {mgca::Profile::official, mgca::Profile::fixed}) {
    mgca::Cpa cpa({.width = 4, .prototypes = 5, .profile = profile});
    const torch::NoGradGuard no_grad;
    cpa->prototype_layer->weight.mul_(3);
    const auto before = cpa->prototype_layer->weight.clone();
    cpa->eval();
    const auto evaluated = cpa(image, text).loss;
    CHECK(torch::equal(cpa->prototype_layer->weight, before) == (profile == mgca::Profile::fixed));
    cpa->train();
    const auto trained = cpa(image, text).loss;
    CHECK(torch::allclose(cpa->prototype_layer->weight.norm(2, 1), torch::ones({5})));
    CHECK(torch::allclose(evaluated, trained));
  }
}

TEST_CASE("cpa: prototypes receive a gradient in training and lose it on request", "[align][fast]") {
  torch::manual_seed(2);
  mgca::Cpa cpa({.width = 4, .prototypes = 5});
  auto image = unit_rows(3);
  image.global.set_requires_grad(true);
  cpa(image, unit_rows(3)).loss.backward();
  REQUIRE(cpa->prototype_layer->weight.grad().defined());
  CHECK(cpa->prototype_layer->weight.grad().abs().sum().item<float>() > 0);
  cpa->drop_gradient();
  CHECK_FALSE(cpa->prototype_layer->weight.grad().defined());
  cpa->eval();
  cpa(image, unit_rows(3)).loss.backward();
  CHECK_FALSE(cpa->prototype_layer->weight.grad().defined());
}

TEST_CASE("cpa: exchanging the sides exchanges the directions; one pair works", "[align][fast]") {
  torch::manual_seed(3);
  mgca::Cpa cpa({.width = 4, .prototypes = 7});
  const auto image = unit_rows(4);
  const auto text = unit_rows(4);
  const auto out = cpa(image, text);
  const auto swapped = cpa(text, image);
  CHECK(torch::allclose(out.image_to_text, swapped.text_to_image));
  CHECK(torch::allclose(out.loss, swapped.loss));
  CHECK(cpa(unit_rows(1), unit_rows(1)).loss.isfinite().item<bool>());
}

TEST_CASE("cpa: gradient agrees with differences while the codes hold still", "[align][fast]") {
  torch::manual_seed(4);
  // One prototype: the code is 1 and constant, and so is the loss.
  mgca::Cpa one({.width = 4, .prototypes = 1});
  CHECK(one(unit_rows(3), unit_rows(3)).loss.item<float>() == Approx(0).margin(1e-6));
  // The texts' codes do not depend on the images: that half of the loss is differentiable as a function of the images.
  mgca::Cpa cpa({.width = 4, .prototypes = 5});
  cpa->to(torch::kFloat64);
  const auto text = mgca::ops::unit(torch::randn({3, 4}, torch::kFloat64));
  mgca::test::check_gradients(
      [&](const auto& in) { return cpa->forward({.global = in[0]}, {.global = text}).text_to_image; },
      {mgca::ops::unit(torch::randn({3, 4}, torch::kFloat64))});
}

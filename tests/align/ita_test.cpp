#include "align_golden.hpp"

using mgca::test::Golden;

TEST_CASE("ita: logits, losses and accuracies equal the reference", "[align][golden][fast]") {
  for (const std::string name : {"mgca_vit_eval", "mgca_vit_mha2", "mgca_fixed_vit_eval"}) {
    const Golden golden(name);
    const mgca::test::StoredEmbeddings stored(golden);
    const auto out =
        mgca::align::ita(stored.image, stored.text, {.temperature = golden.config["model"]["softmax_temperature"]});
    golden.check("ita.logits", out.contrast.logits);
    golden.check("ita.loss_i2t", out.contrast.image_to_text);
    golden.check("ita.loss_t2i", out.contrast.text_to_image);
    golden.check("ita.loss", out.contrast.loss);
    golden.check("ita.acc1", out.accuracy_1);
    golden.check("ita.acc5", out.accuracy_5);
  }
}

TEST_CASE("ita: a batch of one has loss zero, full accuracy and no gradient", "[align][fast]") {
  const auto image = mgca::ops::unit(torch::randn({1, 8})).set_requires_grad(true);
  const auto out = mgca::align::ita({.global = image}, {.global = mgca::ops::unit(torch::randn({1, 8}))});
  out.contrast.loss.backward();
  CHECK(out.contrast.loss.item<float>() == 0);
  CHECK(out.accuracy_5.item<float>() == 100);
  CHECK(image.grad().abs().max().item<float>() == 0);
}

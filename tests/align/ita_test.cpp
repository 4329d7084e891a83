#include "expect_error.hpp"
#include "golden_embeddings.hpp"
#include "gradients.hpp"

#include <mgca/align/ita.hpp>

using mgca::Tensor;
using mgca::test::random_tensor;

TEST_CASE("ita: both directions equal the reference in both profiles", "[align][golden][fast]") {
  for (const std::string name : {"mgca_vit_eval", "mgca_fixed_vit_eval"}) {
    const mgca::test::Golden golden(name);
    const auto found = mgca::align::ita(mgca::test::golden_image(golden).global, mgca::test::golden_text(golden).global,
                                        golden.config["model"]["softmax_temperature"]);
    golden.check("ita.logits", found.logits);
    golden.check("ita.loss_i2t", found.image_to_text.view(1));
    golden.check("ita.loss_t2i", found.text_to_image.view(1));
    golden.check("ita.loss", found.sum().view(1));
  }
}

TEST_CASE("ita: the loss is the sum of both directions; the derivative reaches both sides", "[align][fast]") {
  const auto image = mgca::ops::unit(random_tensor({4, 8}, 1)), text = mgca::ops::unit(random_tensor({4, 8}, 2));
  const auto found = mgca::align::ita(image, text, 0.5);
  CHECK(found.logits.sizes() == at::IntArrayRef({4, 4}));
  CHECK(found.sum().item<double>() == Approx(found.image_to_text.item<double>() + found.text_to_image.item<double>()));
  CHECK(mgca::test::gradient_is_right([&](const Tensor& x) { return mgca::align::ita(x, text, 0.5).sum(); }, image));
  CHECK(mgca::test::gradient_is_right([&](const Tensor& x) { return mgca::align::ita(image, x, 0.5).sum(); }, text));
}

TEST_CASE("ita: a batch of one costs nothing, right pairs cost less than exchanged ones", "[align][fast]") {
  const auto image = mgca::ops::unit(random_tensor({4, 8}, 1));
  CHECK(mgca::align::ita(image.slice(0, 0, 1), image.slice(0, 1, 2), 0.07).sum().item<double>() == Approx(0).margin(1e-12));
  CHECK(mgca::align::ita(image, image, 0.07).sum().item<double>() < mgca::align::ita(image, image.roll(1, 0), 0.07).sum().item<double>());
}

TEST_CASE("ita: unequal batches are refused with both sizes", "[align][fast]") {
  mgca::test::expect_error([] { (void)mgca::align::ita(torch::zeros({4, 8}), torch::zeros({3, 8}), 0.07); }, {"[4, 8]", "[3, 8]"});
}

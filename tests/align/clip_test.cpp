#include "expect_error.hpp"
#include "tiny_encoders.hpp"
#include "trains.hpp"

#include <mgca/align/clip.hpp>

using mgca::test::tiny_tokens;
using TinyClip = mgca::Clip<mgca::test::TinyImage, mgca::test::TinyText>;

TEST_CASE("clip: the mean of both directions at the learned scale, which gets no gradient above the limit", "[align][fast]") {
  torch::manual_seed(1);
  const auto image = mgca::ops::unit(torch::randn({4, 6})), text = mgca::ops::unit(torch::randn({4, 6}));
  for (const double scale : {20.0, 150.0}) {
    const auto log_scale = torch::full({}, std::log(scale)).requires_grad_();
    const auto found = mgca::align::clip(image, text, log_scale, 100);
    const auto expected = mgca::ops::contrast(image, text, 1 / std::min(scale, 100.0));
    CHECK(torch::allclose(found.value(), expected.sum() / 2, 1e-4, 1e-5));
    found.value().backward();
    CHECK((log_scale.grad().item<double>() == 0) == (scale > 100));
  }
}

TEST_CASE("clip: trains every parameter, its scale among them; projections have no bias", "[align][fast]") {
  torch::manual_seed(2);
  TinyClip model({.embedding = 8});
  const mgca::AlignmentInput batch{.images = torch::randn({6, 3, 8, 8}), .tokens = tiny_tokens({5, 3, 1, 6, 2, 4})};
  CHECK(model->losses(batch).metrics.back().value.item<double>() == Approx(1 / 0.07));
  mgca::test::expect_trains(*model, batch, 0.05);
  CHECK_FALSE(model->named_parameters().contains("img_encoder_q.global_embed.bias"));
  CHECK(model->named_parameters()["text_encoder_q.global_embed.weight"].sizes() == at::IntArrayRef({8, 5}));
}

TEST_CASE("clip: a batch of one costs nothing, and settings that make no sense are refused", "[align][fast]") {
  TinyClip model({.embedding = 8});
  CHECK(model->losses(torch::randn({1, 3, 8, 8}), tiny_tokens({0})).total().item<double>() == Approx(0).margin(1e-6));
  mgca::test::expect_error([] { TinyClip({.max_scale = 0}); }, {"clip", "max_scale", "0"});
  mgca::test::expect_error([] { TinyClip({.embedding = -1}); }, {"clip", "embedding", "-1"});
}

#include "expect_error.hpp"

#include <mgca/align/model.hpp>

#include <memory>

namespace {

// The least a model of another kind has to say.
class Echo : public mgca::AlignmentModel {
 public:
  Echo() : scale(register_parameter("scale", torch::ones({}))) {}
  mgca::Embeddings encode_image(const mgca::Tensor& images) override { return {.global = images.flatten(1) * scale, .local = {}, .attention = {}, .valid = {}}; }
  mgca::Embeddings encode_text(const mgca::Tokens& tokens) override { return {.global = tokens.ids.to(torch::kFloat32), .local = {}, .attention = {}, .valid = {}}; }
  mgca::AlignmentLosses losses(const mgca::AlignmentInput& batch) override {
    const auto difference = encode_image(batch.images).global - encode_text(batch.tokens).global;
    return {.terms = {{"square", difference.square().mean(), 1.0}, {"length", difference.abs().mean(), 0.5}}, .metrics = {}};
  }
  mgca::Tensor image_features(const mgca::Tensor& images) override { return images.flatten(1); }
  [[nodiscard]] int64_t image_width() const override { return 4; }
  [[nodiscard]] int64_t image_size() const override { return 2; }
  [[nodiscard]] int64_t text_length() const override { return 4; }
  [[nodiscard]] int64_t vocabulary() const override { return 0; }
  [[nodiscard]] mgca::Profile profile() const override { return mgca::Profile::fixed; }

  mgca::Tensor scale;
};

}  // namespace

TEST_CASE("model: one of another kind trains through the interface", "[align][fast]") {
  const std::shared_ptr<mgca::AlignmentModel> model = std::make_shared<Echo>();
  const mgca::Tokens tokens{.ids = torch::arange(8).view({2, 4}), .mask = torch::ones({2, 4}, torch::kLong), .word_slot = {}, .words = {}};
  const auto losses = model->losses({.images = torch::ones({2, 1, 2, 2}), .tokens = tokens});
  CHECK(losses.total().item<double>() == Approx(losses.terms[0].value.item<double>() + 0.5 * losses.terms[1].value.item<double>()));
  losses.total().backward();
  const auto scale = model->named_parameters()["scale"];
  const auto before = scale.grad().clone();
  model->after_backward(0);  // nothing unless a model says otherwise
  CHECK(torch::equal(scale.grad(), before));
  CHECK(mgca::state_dict(*model).front().name == "scale");
}

TEST_CASE("model: parts that a model does not embed are asked for by name", "[align][fast]") {
  mgca::test::expect_error([] { (void)mgca::parts_of({.global = torch::zeros({2, 4})}, "ground: patches"); }, {"ground: patches", "whole images", "gloria"});
}

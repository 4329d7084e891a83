#include "expect_error.hpp"
#include "tiny_encoders.hpp"

#include <mgca/align/clip.hpp>
#include <mgca/align/convirt.hpp>
#include <mgca/align/gloria.hpp>

#include <string>

using mgca::test::tiny_tokens;
using mgca::test::TinyImage;
using mgca::test::TinyText;

namespace {

// Runs a claim about every model of two towers: its handle and a configuration that fits the small towers.
template <class Claim>
void for_every_model(Claim claim) {
  claim.template operator()<mgca::test::TinyMgca>({.head_hidden = 10, .embedding = 8, .prototypes = 7});
  claim.template operator()<mgca::ConVirt<TinyImage, TinyText>>({.head_hidden = 10, .embedding = 8});
  claim.template operator()<mgca::Gloria<TinyImage, TinyText>>({});
  claim.template operator()<mgca::Clip<TinyImage, TinyText>>({.embedding = 8});
}

}  // namespace

TEST_CASE("towers: every model has its trunks under the same names, and frozen text stays frozen", "[align][fast]") {
  for_every_model([]<class Model>(typename Model::Config config) {
    config.frozen_text = true;
    Model model(config);
    int trunks = 0;
    for (const auto& item : model->named_parameters()) {
      INFO(item.key());
      const bool text = item.key().starts_with("text_encoder_q.model.");
      trunks += text || item.key().starts_with("img_encoder_q.model.") ? 1 : 0;
      CHECK(item.value().requires_grad() == !text);
    }
    CHECK(trunks == 5);  // proj; embed, mix
    const auto image = model->encode_image(torch::randn({2, 3, 8, 8}));
    CHECK(torch::allclose(image.global.norm(2, {1}), torch::ones({2})));
    CHECK(image.features.size(1) == model->image_width());
  });
}

TEST_CASE("towers: losses in groups are those of the groups by themselves, and so are the gradients", "[align][fast]") {
  torch::manual_seed(2);
  const auto images = torch::randn({6, 3, 8, 8});
  const auto tokens = tiny_tokens({5, 3, 1, 6, 2, 4});
  for_every_model([&]<class Model>(typename Model::Config config) {
    Model whole(config);
    config.micro_group = 3;
    Model grouped(config);
    mgca::load_state_dict(*grouped, mgca::state_dict(*whole));
    const mgca::AlignmentInput batch{.images = images, .tokens = tokens};
    const auto found = grouped->losses(batch).total();
    found.backward();
    double sum = 0;
    for (const int64_t first : {0, 3}) {
      const auto part = whole->losses(mgca::align::rows(batch, first, 3)).total() / 2;
      part.backward();
      sum += part.template item<double>();
    }
    CHECK(found.template item<double>() == Approx(sum));
    const auto expected = whole->named_parameters();
    for (const auto& item : grouped->named_parameters()) {
      INFO(item.key());
      const auto& gradient = expected[item.key()].grad();
      CHECK(item.value().grad().defined() == gradient.defined());
      if (gradient.defined()) CHECK(torch::allclose(item.value().grad(), gradient, 1e-4, 1e-6));
    }
  });
}

TEST_CASE("towers: batches that do not fit are refused in the model's name", "[align][fast]") {
  mgca::Clip<TinyImage, TinyText> model({.embedding = 8});
  mgca::test::expect_error([&] { (void)model->losses(torch::randn({3, 3, 8, 8}), tiny_tokens({5, 3})); }, {"clip", "[3, 3, 8, 8]", "[2, 8]"});
}

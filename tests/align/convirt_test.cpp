#include "expect_error.hpp"
#include "tiny_encoders.hpp"
#include "trains.hpp"

#include <mgca/align/convirt.hpp>
#include <mgca/core/config.hpp>

using mgca::ConVirtForm;
using mgca::test::tiny_tokens;
using TinyConVirt = mgca::ConVirt<mgca::test::TinyImage, mgca::test::TinyText>;

TEST_CASE("convirt: the paper weighs the directions, the repository adds them, each with its own temperature", "[align][fast]") {
  torch::manual_seed(1);
  const auto image = mgca::ops::unit(torch::randn({4, 6})), text = mgca::ops::unit(torch::randn({4, 6}));
  for (const auto form : {ConVirtForm::paper, ConVirtForm::repository}) {
    const TinyConVirt::Config config{.form = form};
    const bool paper = form == ConVirtForm::paper;
    const auto found = mgca::ops::contrast(image, text, paper ? 0.1 : 0.07);
    const auto expected = paper ? 0.75 * found.image_to_text + 0.25 * found.text_to_image : found.sum();
    CHECK(torch::allclose(mgca::align::convirt(image, text, config.objective()).total(), expected));
  }
  CHECK(TinyConVirt::Config{.temperature = 0.5}.objective().temperature == 0.5);
}

TEST_CASE("convirt: trains every parameter it has; heads for patches and words it has none", "[align][fast]") {
  torch::manual_seed(2);
  TinyConVirt model({.head_hidden = 10, .embedding = 8});
  mgca::test::expect_trains(*model, {.images = torch::randn({6, 3, 8, 8}), .tokens = tiny_tokens({5, 3, 1, 6, 2, 4})}, 0.05,
                            {"head.0.bias", "head.3.bias"});  // a norm follows
  for (const auto& item : mgca::state_dict(*model)) CHECK(item.name.find("local_embed") == std::string::npos);
  CHECK_FALSE(model->encode_image(torch::randn({2, 3, 8, 8})).local.defined());
}

TEST_CASE("convirt: settings that make no sense are refused, the form survives JSON", "[align][fast]") {
  mgca::test::expect_error([] { TinyConVirt({.temperature = 0.0}); }, {"convirt", "temperature", "0"});
  mgca::test::expect_error([] { TinyConVirt({.head_hidden = 0}); }, {"convirt", "head_hidden", "0"});
  mgca::test::expect_error([] { TinyConVirt({.micro_group = -2}); }, {"convirt", "micro_group", "-2"});
  const TinyConVirt::Config config{.form = ConVirtForm::repository};
  CHECK(mgca::differences(config, mgca::from_json_text<TinyConVirt::Config>(mgca::to_json_text(config), "config")).empty());
}

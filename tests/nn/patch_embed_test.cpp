#include "golden.hpp"
#include "gradients.hpp"

#include <mgca/nn/patch_embed.hpp>

TEST_CASE("patch_embed: patches equal the reference", "[nn][golden][fast]") {
  const mgca::test::Golden golden("mgca_vit_eval");
  const auto& image = golden.config["image"];
  mgca::PatchEmbed embed({.patch_size = image["patch"], .width = image["width"]});
  mgca::test::fill_by_formula(*embed, "img_encoder_q.model.patch_embed.", golden.config["weights"]["seed"]);
  golden.check("image.patch_embed", embed(mgca::test::network_input(golden.batch.at("imgs_u8"))));
}

TEST_CASE("patch_embed: patches come row by row, and the gradient reaches every parameter", "[nn][fast]") {
  mgca::PatchEmbed embed({.patch_size = 4, .channels = 1, .width = 5});
  const auto y = embed(torch::randn({2, 1, 8, 12}));
  CHECK(y.sizes() == at::IntArrayRef({2, 6, 5}));
  mgca::test::expect_gradients(*embed, mgca::test::projected(y));
}

TEST_CASE("patch_embed: a mean filter gives the mean of each patch", "[nn][fast]") {
  mgca::PatchEmbed embed({.patch_size = 2, .channels = 1, .width = 1});
  const torch::NoGradGuard no_grad;
  embed->proj->weight.fill_(0.25);
  embed->proj->bias.zero_();
  const auto image = torch::arange(16, torch::kFloat32).view({1, 1, 4, 4});
  CHECK(torch::allclose(embed(image).flatten(), torch::tensor({2.5F, 4.5F, 10.5F, 12.5F})));
}

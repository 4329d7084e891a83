#include "catch.hpp"
#include "golden_mgca.hpp"

#include <set>

using mgca::test::Golden;

namespace {

template <class T>
void check_branch(const Golden& golden, const std::string& prefix, const mgca::CtaBranch& branch, const T& maybe) {
  maybe(prefix + "attention", branch.attention);
  maybe(prefix + "out_pre", branch.found);
  maybe(prefix + "sim", branch.contrast.similarity);
  maybe(prefix + "weights", branch.weights);
  maybe(prefix + "ce_row", branch.contrast.row_loss);
  maybe(prefix + "ce_col", branch.contrast.column_loss);
  golden.check(prefix + "loss", branch.contrast.mean().view(1));
}

// Every loss, every intermediate the case holds, every gradient, the running statistics afterwards.
template <class Image>
void check_case(const std::string& name) {
  INFO(name);
  const Golden golden(name);
  auto model = mgca::test::golden_model<Image>(golden);
  mgca::test::to_double(*model);  // so that a tolerance of rounding size separates right from nearly right
  const auto& config = model->config;
  const bool official = config.profile == mgca::Profile::official;
  const auto images = mgca::test::network_input(golden.batch.at("imgs_u8")).to(torch::kFloat64);
  const auto tokens = mgca::test::golden_tokens(golden.batch.at("caption_ids"), golden.batch.at("attention_mask"), config.profile);
  const auto maybe = [&](const std::string& key, const mgca::Tensor& value) {
    const bool expected = golden.expected.count(key) + golden.expected.count(key + "@val") > 0;
    if (expected && value.defined()) golden.check(key, value);
  };

  const auto image = model->encode_image(images);
  const auto text = model->encode_text(tokens);
  maybe("image.global", image.global);
  maybe("image.local", image.local);
  maybe("text.global", text.global);
  maybe("text.local", text.local);
  maybe("text.word_attention", text.attention);
  const auto pad_mask = text.valid.logical_not().to(torch::kUInt8);
  if (golden.expected.count("text.pad_mask")) CHECK(torch::equal(pad_mask, golden.expected.at("text.pad_mask").to(torch::kUInt8)));

  const auto pairing = mgca::align::ita(image.global, text.global, config.instance_temperature);
  maybe("ita.logits", pairing.logits);
  golden.check("ita.loss_i2t", pairing.image_to_text.view(1));
  golden.check("ita.loss_t2i", pairing.text_to_image.view(1));
  golden.check("ita.loss", pairing.sum().view(1));
  golden.check("ita.acc1", 100 * mgca::ops::pairing_accuracy(pairing.logits, 1).view(1));
  golden.check("ita.acc5", 100 * mgca::ops::pairing_accuracy(pairing.logits, 5).view(1));
  const auto local = mgca::align::cta(image, text, model->attention_layers(), config.cta());
  check_branch(golden, "cta.word.", local.word, maybe);
  if (config.patch_branch) check_branch(golden, "cta.patch.", local.patch, maybe);
  golden.check("cta.loss", local.value().view(1));
  const auto prototypes = model->unit_prototypes();
  maybe("cpa.prototypes", prototypes);
  const auto groups = mgca::align::cpa(image.global, text.global, prototypes, config.prototype_temperature, config.sinkhorn);
  maybe("cpa.scores_img", groups.image_scores);
  maybe("cpa.codes_img", groups.image_codes);
  maybe("cpa.codes_txt", groups.text_codes);
  golden.check("cpa.loss", groups.value().view(1));

  const auto loss = config.instance_weight * pairing.sum() + config.token_weight * local.value() + config.prototype_weight * groups.value();
  golden.check("loss", loss.view(1));
  loss.backward();
  std::set<std::string> without;
  for (const auto& key : golden.config["no_grad_parameters"]) without.insert(key.get<std::string>());
  int compared = 0;
  for (const auto& item : model->named_parameters()) {
    const auto& gradient = item.value().grad();
    INFO("gradient of " << item.key());
    if (without.count(item.key())) {
      CHECK_FALSE(gradient.defined());
      continue;
    }
    const auto key = "grad." + item.key();
    if (golden.expected.count(key) + golden.expected.count(key + "@val") == 0) continue;
    REQUIRE(gradient.defined());
    golden.check(key, gradient);
    ++compared;
  }
  CHECK(compared > 20);
  for (const auto& item : model->named_buffers()) maybe("after_forward." + item.key(), item.value());

  // The model's own sum is the sum of these parts, in the precision people train in.
  auto again = mgca::test::golden_model<Image>(golden);
  golden.check("loss", again->losses(images.to(torch::kFloat32), tokens).total().view(1));
  CHECK(official == (golden.config.value("profile", "official") == "official"));
}

}  // namespace

TEST_CASE("mgca: the ViT model equals the reference in evaluation", "[align][golden][slow]") { check_case<mgca::Vit>("mgca_vit_eval"); }
TEST_CASE("mgca: the ViT model equals the reference in training", "[align][golden][slow]") { check_case<mgca::Vit>("mgca_vit_train"); }
TEST_CASE("mgca: learned attention equals the reference", "[align][golden][slow]") { check_case<mgca::Vit>("mgca_vit_mha2"); }
TEST_CASE("mgca: one direction and unequal weights equal the reference", "[align][golden][slow]") { check_case<mgca::Vit>("mgca_vit_oneway"); }
TEST_CASE("mgca: the ResNet model equals the reference in evaluation", "[align][golden][slow]") { check_case<mgca::ResNet>("mgca_resnet_eval"); }
TEST_CASE("mgca: the ResNet model equals the reference in training", "[align][golden][slow]") { check_case<mgca::ResNet>("mgca_resnet_train"); }
TEST_CASE("mgca: the fixed profile equals its definition in evaluation", "[align][golden][slow]") { check_case<mgca::Vit>("mgca_fixed_vit_eval"); }
TEST_CASE("mgca: the fixed profile equals its definition in training", "[align][golden][slow]") { check_case<mgca::Vit>("mgca_fixed_vit_train"); }
TEST_CASE("mgca: the fixed ResNet profile equals its definition", "[align][golden][slow]") { check_case<mgca::ResNet>("mgca_fixed_resnet_eval"); }

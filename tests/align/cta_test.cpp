#include "expect_error.hpp"
#include "golden_embeddings.hpp"
#include "gradients.hpp"

#include <mgca/align/cta.hpp>
#include <mgca/core/config.hpp>

using mgca::CtaConfig;
using mgca::CtaLayers;
using mgca::Embeddings;
using mgca::Profile;
using mgca::Tensor;
using mgca::test::Golden;
using mgca::test::random_tensor;

namespace {

Embeddings random_side(int64_t parts, uint64_t seed) {
  return {.global = {}, .local = mgca::ops::unit(random_tensor({2, parts, 8}, seed)), .attention = random_tensor({2, parts}, seed + 1).abs(), .valid = {}};
}

CtaLayers layers(int64_t width, int64_t heads) {
  const mgca::LocalAttentionConfig c{.width = width, .heads = heads};
  return {.word = mgca::LocalAttention(c), .patch = mgca::LocalAttention(c)};
}

void check_branch(const Golden& golden, const std::string& prefix, const mgca::CtaBranch& branch) {
  if (branch.attention.defined()) golden.check(prefix + "attention", branch.attention);
  golden.check(prefix + "out_pre", branch.found);
  golden.check(prefix + "weights", branch.weights);
  golden.check(prefix + "sim", branch.contrast.similarity);
  golden.check(prefix + "ce_row", branch.contrast.row_loss);
  golden.check(prefix + "ce_col", branch.contrast.column_loss);
  golden.check(prefix + "loss_row", branch.contrast.rows.view(1));
  golden.check(prefix + "loss_col", branch.contrast.columns.view(1));
  golden.check(prefix + "loss", branch.contrast.mean().view(1));
}

}  // namespace

TEST_CASE("cta: every intermediate of both branches equals the reference, in both profiles and with learned attention", "[align][golden][fast]") {
  for (const std::string name : {"mgca_vit_eval", "mgca_vit_mha2", "mgca_fixed_vit_eval"}) {
    const Golden golden(name);
    INFO(name);
    const auto& model = golden.config["model"];
    const CtaConfig config{.width = model["emb_dim"], .temperature = model["local_temperature"], .learned = model["use_local_atten"].get<bool>(),
                           .heads = model["num_heads"], .profile = name.find("fixed") == std::string::npos ? Profile::official : Profile::fixed};
    auto attention = layers(config.width, config.heads);
    mgca::test::fill_by_formula(*attention.word, "word_local_atten_layer.", golden.config["weights"]["seed"]);
    mgca::test::fill_by_formula(*attention.patch, "patch_local_atten_layer.", golden.config["weights"]["seed"]);
    const auto found = mgca::align::cta(mgca::test::golden_image(golden), mgca::test::golden_text(golden), attention, config);
    check_branch(golden, "cta.word.", found.word);
    check_branch(golden, "cta.patch.", found.patch);
    golden.check("cta.loss", found.value().view(1));
  }
}

TEST_CASE("cta: the derivative is right for patches and words, in both profiles", "[align][fast]") {
  CtaLayers none;
  for (const auto profile : {Profile::official, Profile::fixed}) {
    const CtaConfig config{.width = 8, .temperature = 0.5, .learned = false, .profile = profile};
    auto image = random_side(3, 1), text = random_side(4, 5);
    text.valid = torch::tensor({{1, 1, 1, 0}, {0, 0, 0, 0}}, torch::kBool);  // the second report has no word
    text.attention = text.attention * text.valid;
    const auto loss = [&](Tensor Embeddings::*side, Embeddings& of, const Tensor& x) {
      auto changed = of;
      changed.*side = x;
      return mgca::align::cta(&of == &image ? changed : image, &of == &text ? changed : text, none, config).value();
    };
    CHECK(mgca::test::gradient_is_right([&](const Tensor& x) { return loss(&Embeddings::local, image, x); }, image.local));
    CHECK(mgca::test::gradient_is_right([&](const Tensor& x) { return loss(&Embeddings::local, text, x); }, text.local));
  }
}

TEST_CASE("cta: the gradient reaches every parameter of learned attention", "[align][fast]") {
  auto attention = layers(8, 2);
  attention.word->to(torch::kFloat64);
  attention.patch->to(torch::kFloat64);
  const auto loss = mgca::align::cta(random_side(3, 1), random_side(4, 5), attention, {.width = 8, .learned = true}).value();
  torch::nn::Module both;
  both.register_module("word", attention.word);
  both.register_module("patch", attention.patch);
  mgca::test::expect_gradients(both, loss);
}

TEST_CASE("cta: in the fixed profile a report without words costs nothing and does not count", "[align][fast]") {
  CtaLayers none;
  const CtaConfig config{.width = 8, .learned = false, .profile = Profile::fixed};
  const auto image = random_side(3, 1);
  auto text = random_side(4, 5);
  text.valid = torch::tensor({{1, 1, 1, 1}, {0, 0, 0, 0}}, torch::kBool);
  const auto first = [](const Embeddings& e) {
    return Embeddings{.global = {}, .local = e.local.slice(0, 0, 1), .attention = e.attention.slice(0, 0, 1), .valid = e.valid.defined() ? e.valid.slice(0, 0, 1) : Tensor()};
  };
  const auto both = mgca::align::cta(image, text, none, config);
  CHECK(both.value().item<double>() == Approx(mgca::align::cta(first(image), first(text), none, config).value().item<double>()));
  for (const auto& branch : {both.word, both.patch}) {
    for (const auto& zero : {branch.attention, branch.found, branch.weights, branch.contrast.row_loss, branch.contrast.column_loss}) {
      CHECK(zero[1].eq(0).all().item<bool>());
    }
  }
  text.valid.zero_();
  CHECK(mgca::align::cta(image, text, none, config).value().item<double>() == 0);
}

TEST_CASE("cta: without the patch branch the loss is the word branch's", "[align][fast]") {
  CtaLayers none;
  const auto found = mgca::align::cta(random_side(3, 1), random_side(4, 5), none, {.width = 8, .learned = false, .patch_branch = false});
  CHECK(torch::equal(found.value(), found.word.contrast.mean()));
  CHECK(found.word.weights.sizes() == at::IntArrayRef({2, 4}));
  CHECK_FALSE(found.patch.weights.defined());
}

TEST_CASE("cta: sides that do not fit, missing layers and settings without meaning are refused", "[align][fast]") {
  CtaLayers none;
  const auto image = random_side(3, 1), text = random_side(4, 5);
  mgca::test::expect_error([&] { (void)mgca::align::cta(image, text, none, {.width = 16, .learned = false}); }, {"(B, P, 16)", "[2, 3, 8]"});
  mgca::test::expect_error([&] { (void)mgca::align::cta(image, text, none, {.width = 8, .learned = true}); }, {"learned", "layers"});
  mgca::test::expect_error([] { CtaConfig{.temperature = 0}.validate(); }, {"temperature", "0"});
  mgca::test::expect_error([] { CtaConfig{.width = 10, .heads = 3}.validate(); }, {"width 10", "heads 3"});
}

TEST_CASE("cta: learned attention is the fixed profile's custom, and a choice in both", "[align][fast]") {
  CHECK(CtaConfig{.profile = Profile::fixed}.is_learned());
  CHECK_FALSE(CtaConfig{.profile = Profile::official}.is_learned());
  CHECK_FALSE(CtaConfig{.learned = false, .profile = Profile::fixed}.is_learned());
  CHECK(mgca::to_json_text(CtaConfig{}).find("\"learned\": null") != std::string::npos);
}

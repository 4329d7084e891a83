#include "distribution.hpp"
#include "expect_error.hpp"
#include "tiny_encoders.hpp"

#include <mgca/core/config.hpp>
#include <mgca/encoders/bert.hpp>
#include <mgca/tensor/state_dict.hpp>

#include <algorithm>
#include <string>

using mgca::Profile;
using mgca::test::tiny_tokens;
using mgca::test::TinyMgca;

namespace {

TinyMgca tiny(TinyMgca::Config config = {}) {
  config.head_hidden = 10;
  config.embedding = 8;
  config.prototypes = 7;
  return TinyMgca(config);
}

void check_finite(const torch::nn::Module& model) {
  for (const auto& item : model.named_parameters()) {
    if (!item.value().grad().defined()) continue;
    INFO(item.key());
    CHECK(item.value().grad().isfinite().all().item<bool>());
  }
}

}  // namespace

TEST_CASE("mgca: encoders with four members and no base class are enough", "[align][fast]") {
  torch::manual_seed(1);
  for (const auto profile : {Profile::official, Profile::fixed}) {
    auto model = tiny({.profile = profile});
    model->losses(torch::randn({4, 3, 8, 8}), tiny_tokens({5, 3, 1, 6})).total().backward();
    for (const auto& item : model->named_parameters()) {
      INFO(mgca::to_string(profile) << ": " << item.key());
      const bool unused = profile == Profile::official && item.key().find("atten_layer") != std::string::npos;
      CHECK(item.value().grad().defined() == !unused);
    }
    check_finite(*model);
  }
}

TEST_CASE("mgca: a text encoder without attention weighs its words equally", "[align][fast]") {
  torch::manual_seed(2);
  for (const auto profile : {Profile::official, Profile::fixed}) {
    auto model = tiny({.text = {.attends = false}, .profile = profile});
    const auto image = model->encode_image(torch::randn({2, 3, 8, 8}));
    const auto text = model->encode_text(tiny_tokens({4, 0}));
    const auto weights = mgca::align::cta(image, text, model->attention_layers(), model->config.cta()).word.weights;
    CHECK(torch::allclose(weights[0].slice(0, 0, 4), torch::full({4}, 0.25F)));
    CHECK(weights[1].abs().sum().item<float>() == 0);
  }
}

TEST_CASE("mgca: a batch of one and batches without words have finite losses and gradients", "[align][fast]") {
  torch::manual_seed(3);
  for (const auto profile : {Profile::official, Profile::fixed}) {
    for (const auto& words : {std::vector<int64_t>{3}, {0}, {1}, {0, 0, 0}, {0, 4}}) {
      auto model = tiny({.profile = profile});
      const auto B = static_cast<int64_t>(words.size());
      const auto total = model->losses(torch::randn({B, 3, 8, 8}), tiny_tokens(words)).total();
      total.backward();
      INFO(mgca::to_string(profile) << ", " << words.size() << " reports, first of " << words[0] << " words");
      CHECK(total.isfinite().item<bool>());
      check_finite(*model);
    }
  }
}

TEST_CASE("mgca: padding changes nothing in the fixed profile and something in the official", "[align][fast]") {
  torch::manual_seed(4);
  const auto images = torch::randn({3, 3, 8, 8});
  const auto tokens = tiny_tokens({5, 0, 2});
  const auto pad = [](const mgca::Tensor& t, int64_t value) { return torch::constant_pad_nd(t, {0, 2}, value); };
  const mgca::Tokens longer{.ids = pad(tokens.ids, 0), .mask = pad(tokens.mask, 0),
                            .word_slot = pad(tokens.word_slot, -1), .words = tokens.words};
  for (const auto profile : {Profile::official, Profile::fixed}) {
    auto model = tiny({.profile = profile});
    const auto a = model->losses(images, tokens).total().item<double>();
    const auto b = model->losses(images, longer).total().item<double>();
    if (profile == Profile::fixed) CHECK(a == Approx(b).epsilon(1e-5));
    else CHECK(std::abs(a - b) > 1e-3);
  }
}

TEST_CASE("mgca: mixed precision stays near single precision and every loss is f32", "[align][fast]") {
  torch::manual_seed(5);
  const auto images = torch::randn({4, 3, 8, 8});
  const auto tokens = tiny_tokens({5, 3, 1, 6});
  for (const bool learned : {false, true}) {
    auto model = tiny({.learned_attention = learned});
    const auto exact = model->losses(images, tokens).total();
    const mgca::AutocastScope autocast(mgca::Precision::bf16, torch::kCPU);
    const auto out = model->losses(images, tokens);
    for (const auto& term : out.terms) CHECK(term.value.scalar_type() == torch::kFloat32);
    CHECK(out.total().item<double>() == Approx(exact.item<double>()).epsilon(0.05));
    out.total().backward();
    check_finite(*model);
  }
}

TEST_CASE("mgca: the losses of given embeddings are the same inside autocast", "[align][fast]") {
  torch::manual_seed(6);
  auto model = tiny({.learned_attention = false});
  const auto image = model->encode_image(torch::randn({4, 3, 8, 8}));
  const auto text = model->encode_text(tiny_tokens({5, 3, 0, 6}));
  const auto prototypes = model->unit_prototypes();
  const auto losses = [&] {
    return torch::stack({mgca::align::ita(image.global, text.global, 0.07).sum(),
                         mgca::align::cta(image, text, model->attention_layers(), model->config.cta()).value(),
                         mgca::align::cpa(image.global, text.global, prototypes, 0.2, {}).value()});
  };
  const auto outside = losses();
  const mgca::AutocastScope autocast(mgca::Precision::bf16, torch::kCPU);
  CHECK(torch::equal(losses(), outside));
}

TEST_CASE("mgca: prototypes stay while frozen and move afterwards", "[align][fast]") {
  torch::manual_seed(7);
  auto model = tiny({.frozen_prototype_epochs = 2});
  for (const int64_t epoch : {0, 1, 2}) {
    model->zero_grad();
    model->losses(torch::randn({4, 3, 8, 8}), tiny_tokens({5, 3, 1, 6})).total().backward();
    model->after_backward(epoch);
    CHECK(model->prototype_layer->weight.grad().defined() == (epoch == 2));
  }
}

TEST_CASE("mgca: a weight of zero skips its term, and weights that make no loss are refused", "[align][fast]") {
  torch::manual_seed(8);
  auto model = tiny({.instance_weight = 0.5, .token_weight = 0, .prototype_weight = 2});
  const auto out = model->losses(torch::randn({4, 3, 8, 8}), tiny_tokens({5, 3, 1, 6}));
  REQUIRE(out.terms.size() == 2);
  const double sum = 0.5 * out.terms[0].value.item<double>() + 2 * out.terms[1].value.item<double>();
  CHECK(out.total().item<double>() == Approx(sum).epsilon(1e-6));
  mgca::test::expect_error([] { tiny({.instance_weight = 0, .token_weight = 0, .prototype_weight = 0}); }, {"not all 0"});
}

TEST_CASE("mgca: the configuration survives JSON", "[align][fast]") {
  TinyMgca::Config config;
  config.text.width = 9;
  config.learned_attention = false;
  const auto again = mgca::from_json_text<TinyMgca::Config>(mgca::to_json_text(config), "config");
  CHECK(mgca::differences(config, again).empty());
  CHECK(again.text.width == 9);
}

TEST_CASE("mgca: in evaluation nothing changes in the fixed profile, only the prototypes' lengths in the official", "[align][fast]") {
  torch::manual_seed(10);
  for (const auto profile : {Profile::official, Profile::fixed}) {
    auto model = tiny({.profile = profile});
    model->eval();
    std::vector<mgca::Tensor> before;
    for (const auto& [name, value] : mgca::state_dict(*model)) before.push_back(value.detach().clone());
    (void)model->losses(torch::randn({1, 3, 8, 8}), tiny_tokens({5}));
    std::size_t i = 0;
    for (const auto& [name, value] : mgca::state_dict(*model)) {
      INFO(mgca::to_string(profile) << ": " << name);
      const bool renormalised = profile == Profile::official && name == "prototype_layer.weight";
      CHECK(torch::equal(value, before[i++]) == !renormalised);
    }
    CHECK(torch::allclose(model->unit_prototypes().norm(2, {1}), torch::ones({7})));
  }
}

TEST_CASE("mgca: heads and prototypes start as torch's layers do", "[align][fast]") {
  torch::manual_seed(11);
  const TinyMgca model({.head_hidden = 300, .embedding = 64, .prototypes = 100});
  const auto parameters = model->named_parameters();
  mgca::test::expect_uniform(parameters["prototype_layer.weight"], 1 / std::sqrt(64.0));
  mgca::test::expect_uniform(parameters["img_encoder_q.global_embed.head.0.weight"], 1 / std::sqrt(6.0));
  mgca::test::expect_uniform(parameters["img_encoder_q.global_embed.head.0.bias"], 1 / std::sqrt(6.0));
  mgca::test::expect_uniform(parameters["text_encoder_q.local_embed.head.3.weight"], 1 / std::sqrt(300.0));
  CHECK(parameters["text_encoder_q.local_embed.head.1.weight"].eq(1).all().item<bool>());
}

TEST_CASE("mgca: the best of five counts the whole of a smaller batch", "[align][fast]") {
  torch::manual_seed(12);
  auto model = tiny();
  const auto metrics = model->losses(torch::randn({3, 3, 8, 8}), tiny_tokens({5, 3, 1})).metrics;
  REQUIRE(metrics.size() == 2);
  CHECK(metrics[1].name == "acc5");
  CHECK(metrics[1].value.item<float>() == 1);
}

TEST_CASE("mgca: batches and settings that make no sense are refused with the values", "[align][fast]") {
  auto model = tiny();
  const auto images = torch::randn({3, 3, 8, 8});
  mgca::test::expect_error([&] { (void)model->losses(images, tiny_tokens({5, 3})); }, {"[3, 3, 8, 8]", "[2, 8]"});
  mgca::test::expect_error([&] { (void)model->losses(images[0], tiny_tokens({5, 3, 1})); }, {"(B, 3, S, S)", "[3, 8, 8]"});
  mgca::test::expect_error([&] { (void)model->losses(images.slice(0, 0, 0), tiny_tokens({5}).to(torch::kCPU)); }, {"[0, 3, 8, 8]"});
  mgca::test::expect_error([] { TinyMgca({.prototypes = 0}); }, {"prototypes", "0"});
  mgca::test::expect_error([] { TinyMgca({.token_temperature = -0.5}); }, {"temperatures", "-0.5"});
  mgca::test::expect_error([] { TinyMgca({.attention_heads = 3}); }, {"width 128", "heads 3"});
}

TEST_CASE("mgca: a frozen text trunk gets no gradient, its heads and the image tower do", "[align][fast]") {
  torch::manual_seed(11);
  auto model = tiny({.frozen_text = true});
  model->losses(torch::randn({4, 3, 8, 8}), tiny_tokens({5, 3, 1, 6})).total().backward();
  int64_t frozen = 0;
  for (const auto& item : model->named_parameters()) {
    INFO(item.key());
    const bool trunk = item.key().starts_with("text_encoder_q.model.");
    frozen += trunk ? 1 : 0;
    CHECK(item.value().requires_grad() == !trunk);
    CHECK(item.value().grad().defined() == !trunk);
  }
  CHECK(frozen > 0);
}

TEST_CASE("mgca: a weight of zero that is not skipped costs nothing and gives gradients of zero, as in the reference", "[align][fast]") {
  torch::manual_seed(14);
  auto skipped = tiny({.token_weight = 0});
  auto computed = tiny({.token_weight = 0, .skip_unweighted = false});
  mgca::load_state_dict(*computed, mgca::state_dict(*skipped));
  const auto images = torch::randn({4, 3, 8, 8});
  const auto tokens = tiny_tokens({5, 3, 1, 6});
  const auto losses = computed->losses(images, tokens);
  REQUIRE(losses.terms.size() == 3);
  CHECK(losses.total().item<double>() == Approx(skipped->losses(images, tokens).total().item<double>()));
  losses.total().backward();
  for (const auto& item : computed->named_parameters()) {
    INFO(item.key());
    REQUIRE(item.value().grad().defined());
    if (item.key().find("local_embed") != std::string::npos) CHECK(item.value().grad().eq(0).all().item<bool>());
  }
}

TEST_CASE("mgca: the losses are those of the levels of the embeddings", "[align][fast]") {
  torch::manual_seed(15);
  auto model = tiny();
  model->eval();
  const auto images = torch::randn({4, 3, 8, 8});
  const auto tokens = tiny_tokens({5, 3, 1, 6});
  const auto levels = model->compare(model->encode_image(images), model->encode_text(tokens));
  CHECK(torch::equal(model->losses(levels).total(), model->losses(images, tokens).total()));
  REQUIRE(levels.tokens.has_value());
  CHECK(torch::allclose(levels.tokens->patch.attended, mgca::ops::unit(levels.tokens->patch.found)));
  REQUIRE(levels.prototypes.has_value());
  CHECK(torch::allclose(levels.prototypes->image_log_probabilities.exp().sum(1), torch::ones({4})));
}

TEST_CASE("mgca: without CTA the heads of patches and words take no part, and the other losses are the same numbers", "[align][fast]") {
  torch::manual_seed(12);
  auto whole = tiny();
  auto without = tiny({.token_weight = 0});
  mgca::load_state_dict(*without, mgca::state_dict(*whole));
  const auto images = torch::randn({4, 3, 8, 8});
  const auto tokens = tiny_tokens({5, 3, 1, 6});
  const auto all = whole->losses(images, tokens), some = without->losses(images, tokens);
  REQUIRE(all.terms.size() == 3);
  REQUIRE(some.terms.size() == 2);
  for (const auto& term : some.terms) {
    INFO(term.name);
    const auto same = std::find_if(all.terms.begin(), all.terms.end(), [&](const auto& other) { return other.name == term.name; });
    REQUIRE(same != all.terms.end());
    CHECK(torch::equal(term.value, same->value));
  }
  some.total().backward();
  for (const auto& item : without->named_parameters()) {
    if (item.key().find("local_embed") != std::string::npos) CHECK_FALSE(item.value().grad().defined());
  }
  CHECK(without->encode_image(images).local.defined());  // asked for, they are there
}

TEST_CASE("mgca: every switch of the ablations changes the loss and reaches the gradient", "[align][fast]") {
  torch::manual_seed(16);
  using Model = mgca::Mgca<mgca::test::TinyImage, mgca::Bert>;
  const Model::Config base{.text = {.vocabulary = 20, .length = 8, .width = 8, .depth = 6, .heads = 2, .intermediate = 8, .dropout = 0, .max_positions = 8},
                           .head_hidden = 10, .embedding = 8, .prototypes = 7, .learned_attention = false};
  const auto images = torch::randn({4, 3, 8, 8});
  const auto tokens = tiny_tokens({5, 3, 1, 6});
  const auto loss_of = [&](const std::vector<std::string>& changes) {
    auto config = base;
    mgca::apply_overrides(config, changes);
    torch::manual_seed(17);
    Model model(config);
    const auto loss = model->losses(images, tokens).total();
    loss.backward();
    check_finite(*model);
    CHECK(model->img_encoder_q->model->proj->weight.grad().abs().sum().item<double>() > 0);
    return loss.item<double>();
  };
  std::vector<double> seen{loss_of({})};
  for (const std::vector<std::string>& changes : std::vector<std::vector<std::string>>{
           {"instance_weight=0"}, {"token_weight=0"}, {"prototype_weight=0"}, {"patch_branch=false"}, {"learned_attention=true"},
           {"learned_attention=true", "attention_heads=2"}, {"learned_attention=true", "attention_heads=4"}, {"prototypes=3"}, {"sinkhorn.iterations=1"},
           {"sinkhorn.epsilon=0.5"}, {"text.depth=12"}, {"text.last_layers=4"}, {"text.depth=12", "text.last_layers=4"}, {"profile=official"},
           {"micro_group=2"}}) {
    INFO(changes.front() << (changes.size() > 1 ? ", " + changes.back() : ""));
    const double loss = loss_of(changes);
    CHECK(std::none_of(seen.begin(), seen.end(), [&](double other) { return loss == other; }));
    seen.push_back(loss);
  }
  CHECK(loss_of({"frozen_text=true"}) == seen.front());
}

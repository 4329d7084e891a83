#include "distribution.hpp"
#include "expect_error.hpp"
#include "gradients.hpp"

#include <mgca/encoders/bert.hpp>
#include <mgca/tensor/state_dict.hpp>

#include <functional>

using mgca::Profile;

namespace {

mgca::BertConfig small(Profile profile) {
  return {.vocabulary = 50, .length = 8, .width = 16, .depth = 2, .heads = 4, .intermediate = 32, .dropout = 0, .max_positions = 16, .profile = profile};
}

// Two reports: three words (the middle one of two pieces), and one word.
mgca::Tokens two_reports() {
  const auto ids = torch::tensor({{1, 5, 6, 7, 8, 2, 0, 0}, {1, 9, 2, 0, 0, 0, 0, 0}}, torch::kLong);
  const auto slots = torch::tensor({{-1, 0, 1, 1, 2, -1, -1, -1}, {-1, 0, -1, -1, -1, -1, -1, -1}}, torch::kLong);
  return {.ids = ids, .mask = ids.ne(0).to(torch::kLong), .word_slot = slots, .words = torch::tensor({3, 1}, torch::kLong)};
}

}  // namespace

TEST_CASE("bert: words are sums of their pieces, unused slots are zero", "[encoders][fast]") {
  mgca::Bert bert(small(Profile::fixed));
  const auto tokens = two_reports();
  const auto features = bert(tokens);
  const auto hidden = bert->hidden(tokens, mgca::AttentionWeights::none).tokens;
  CHECK(features.global.sizes() == at::IntArrayRef({2, 16}));
  CHECK(features.local.sizes() == at::IntArrayRef({2, 7, 16}));
  CHECK(torch::allclose(features.local[0][1], hidden[0][2] + hidden[0][3]));
  CHECK(features.local[1].slice(0, 1).abs().max().item<float>() == 0);
  CHECK(torch::equal(features.valid.sum(1), tokens.words));
  CHECK_FALSE(features.attention.requires_grad());
}

TEST_CASE("bert: features are sums over the last layers asked for, the embeddings before the first among them", "[encoders][fast]") {
  auto config = small(Profile::fixed);
  for (int64_t last = 1; last <= config.depth + 1; ++last) {
    INFO(last << " layers");
    config.last_layers = last;
    torch::manual_seed(3);
    mgca::Bert bert(config);
    const auto layers = bert->layers(two_reports());
    REQUIRE(layers.hidden.size() == static_cast<std::size_t>(config.depth) + 1);
    auto sum = torch::zeros_like(layers.hidden[0]);
    for (int64_t i = 0; i < last; ++i) sum = sum + layers.hidden[static_cast<std::size_t>(config.depth - i)];
    const auto features = bert(two_reports());
    CHECK(torch::allclose(features.global, sum.select(1, 0), 1e-5, 1e-6));
    CHECK(torch::allclose(features.local[0][1], sum[0][2] + sum[0][3], 1e-5, 1e-6));
    CHECK(layers.attention.size() == static_cast<std::size_t>(config.depth));
    CHECK(torch::allclose(layers.attention.back(), bert->hidden(two_reports(), mgca::AttentionWeights::full).weights));
  }
}

TEST_CASE("bert: a report may be the mean of its tokens, and the class token one more word", "[encoders][fast]") {
  auto config = small(Profile::fixed);
  torch::manual_seed(3);
  mgca::Bert plain(config);
  config.summary = mgca::BertSummary::mean;
  config.class_word = true;
  mgca::Bert bert(config);
  mgca::load_state_dict(*bert, mgca::state_dict(*plain));
  const auto tokens = two_reports();
  const auto hidden = bert->hidden(tokens, mgca::AttentionWeights::none).tokens;
  const auto features = bert(tokens), usual = plain(tokens);
  CHECK(torch::allclose(features.global[1], hidden[1].slice(0, 0, 3).sum(0) / 8, 1e-5, 1e-6));
  CHECK(features.local.sizes() == at::IntArrayRef({2, 8, 16}));
  CHECK(torch::equal(features.local.select(1, 7), hidden.select(1, 0)));
  CHECK(torch::equal(features.local.slice(1, 0, 7), usual.local));
  CHECK(torch::equal(features.attention.slice(1, 0, 7), usual.attention));
  CHECK(torch::equal(features.valid.slice(1, 0, 7), usual.valid));
  CHECK(features.valid.select(1, 7).all().item<bool>());
}

TEST_CASE("bert: padding changes nothing", "[encoders][fast]") {
  for (const auto profile : {Profile::official, Profile::fixed}) {
    mgca::Bert bert(small(profile));
    auto tokens = two_reports();
    const auto before = bert(tokens);
    tokens.ids = torch::where(tokens.mask == 1, tokens.ids, torch::full_like(tokens.ids, 33));
    const auto after = bert(tokens);
    CHECK(torch::allclose(before.global, after.global, 1e-5, 1e-6));
    CHECK(torch::allclose(before.local, after.local, 1e-5, 1e-6));
  }
}

TEST_CASE("bert: the official profile does not see the order of words, the fixed one does", "[encoders][fast]") {
  for (const auto profile : {Profile::official, Profile::fixed}) {
    mgca::Bert bert(small(profile));
    auto tokens = two_reports();
    const auto before = bert(tokens).global[0];
    tokens.ids[0][1] = 8;
    tokens.ids[0][4] = 5;
    CHECK(torch::allclose(before, bert(tokens).global[0], 1e-5, 1e-6) == (profile == Profile::official));
  }
}

TEST_CASE("bert: the gradient reaches every parameter that is used", "[encoders][fast]") {
  auto config = small(Profile::fixed);
  config.token_types = true;
  mgca::Bert bert(config);
  const auto features = bert(two_reports());
  // A key bias shifts all scores of a query alike and has no effect.
  mgca::test::expect_gradients(*bert, mgca::test::projected(features.global) + mgca::test::projected(features.local), {"key.bias"});
}

TEST_CASE("bert: the published layout counts its unused blocks", "[encoders][fast]") {
  auto with = small(Profile::official), without = with;
  with.cross_attention = true;
  const auto count = [](const mgca::Bert& bert) {
    int64_t sum = 0;
    for (const auto& p : bert->parameters()) sum += p.numel();
    return sum;
  };
  CHECK(count(mgca::Bert(with)) - count(mgca::Bert(without)) == 2 * (4 * (16 * 16 + 16) + 2 * 16));
}

TEST_CASE("bert: wrong sizes are refused with the remedy", "[encoders][fast]") {
  mgca::test::expect_error([] { mgca::Bert({.width = 10, .heads = 4}); }, {"width 10", "heads 4"});
  mgca::test::expect_error([] { mgca::Bert({.length = 600}); }, {"length 600", "512"});
  mgca::test::expect_error([] { mgca::Bert({.depth = 2, .last_layers = 4}); }, {"last_layers 4", "1 .. 3"});
}

TEST_CASE("bert: a batch that cannot be is refused with the place, the value and the remedy", "[encoders][fast]") {
  mgca::Bert bert(small(Profile::fixed));
  const auto refused = [&](const std::function<void(mgca::Tokens&)>& spoil, std::initializer_list<std::string_view> pieces) {
    auto tokens = two_reports();
    spoil(tokens);
    mgca::test::expect_error([&] { (void)bert(tokens); }, pieces);
  };
  refused([](auto& t) { t.word_slot = t.word_slot.slice(1, 1); }, {"[2, 8]", "[2, 7]"});
  refused([](auto& t) { t.ids = t.ids[0]; }, {"(B, T)", "[8]"});
  refused([](auto& t) { t.words = t.words.slice(0, 1); }, {"2 reports", "[1]"});
  refused([](auto& t) { t.ids = t.ids.to(torch::kInt); }, {"int64", "Int", "torch::kLong"});
  refused([](auto& t) { t.ids[1][2] = 50; }, {"token 2 of report 1", "id 50", "0 to 49", "vocabulary"});
  refused([](auto& t) { t.ids[0][0] = -3; }, {"token 0 of report 0", "id -3"});
  refused([](auto& t) { t.word_slot[0][1] = -2; }, {"token 1 of report 0", "slot -2", "-1 for none"});
  refused([](auto& t) { t.word_slot[0][1] = 7; }, {"slot 7", "0 to 6"});
  refused([](auto& t) { t.words[0] = 8; }, {"report 0", "8 words", "0 to 7"});
}

TEST_CASE("bert: reports of padding alone have finite features", "[encoders][fast]") {
  for (const auto profile : {Profile::official, Profile::fixed}) {
    mgca::Bert bert(small(profile));
    auto tokens = two_reports();
    tokens.mask.zero_();
    tokens.word_slot.fill_(-1);
    tokens.words.zero_();
    const auto features = bert(tokens);
    CHECK(features.global.isfinite().all().item<bool>());
    CHECK(features.local.eq(0).all().item<bool>());
    CHECK_FALSE(features.valid.any().item<bool>());
  }
}

TEST_CASE("bert: starts as the reference does, unused blocks included", "[encoders][fast]") {
  torch::manual_seed(1);
  auto config = small(Profile::official);
  config.cross_attention = true;
  mgca::Bert bert(config);
  const auto parameters = bert->named_parameters();
  for (const std::string name : {"embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight", "encoder.layer.1.attention.self.query.weight",
                                 "encoder.layer.0.crossattention.self.key.weight", "encoder.layer.0.output.dense.weight"}) {
    INFO(name);
    mgca::test::expect_normal(parameters[name], 0.02);
  }
  CHECK(parameters["encoder.layer.0.intermediate.dense.bias"].eq(0).all().item<bool>());
  CHECK(parameters["embeddings.LayerNorm.weight"].eq(1).all().item<bool>());
}

#include "golden.hpp"
#include "gradients.hpp"

#include <mgca/nn/bert_layer.hpp>

using mgca::AttentionWeights;
using mgca::Tensor;
using mgca::test::Golden;

namespace {
const mgca::BertLayerConfig kSmallLayer{.width = 12, .heads = 3, .intermediate = 20, .dropout = 0};
const Tensor kNoBias = torch::zeros({2, 1, 1, 5});
}  // namespace

TEST_CASE("bert_layer: hidden states and attention equal the reference", "[nn][golden][fast]") {
  const Golden golden("mgca_vit_eval");
  const auto& text = golden.config["text"];
  const auto bias = (1 - golden.batch.at("attention_mask")).mul(-10000.0).to(torch::kFloat32).unsqueeze(1).unsqueeze(1);
  for (int64_t i = 0; i < text["depth"].get<int64_t>(); ++i) {
    mgca::BertLayer layer({.width = text["width"], .heads = text["heads"], .intermediate = text["intermediate"], .dropout = text["dropout"]});
    mgca::test::fill_by_formula(*layer, "text_encoder_q.model.encoder.layer." + std::to_string(i) + ".", golden.config["weights"]["seed"]);
    const auto out = layer(golden.expected.at("text.hidden." + std::to_string(i)), bias, AttentionWeights::full);
    golden.check("text.hidden." + std::to_string(i + 1), out.tokens);
    if (i + 1 == text["depth"]) golden.check("text.last_attention", out.weights);
  }
}

TEST_CASE("bert_layer: the shape stays, and the gradient reaches every parameter", "[nn][fast]") {
  mgca::BertLayer layer(kSmallLayer);
  const auto out = layer(torch::randn({2, 5, 12}), kNoBias, AttentionWeights::summary);
  CHECK(out.tokens.sizes() == at::IntArrayRef({2, 5, 12}));
  CHECK(out.weights.sizes() == at::IntArrayRef({2, 3, 1, 5}));
  mgca::test::expect_gradients(*layer, mgca::test::projected(out.tokens), {"key.bias"});  // a key bias shifts all scores of a query alike
}

TEST_CASE("bert_layer: what stands behind a masked token changes no other", "[nn][fast]") {
  mgca::BertLayer layer(kSmallLayer);
  auto bias = kNoBias.clone();
  bias.slice(-1, 4).fill_(-10000);
  const auto x = torch::randn({2, 5, 12});
  auto other = x.clone();
  other.slice(1, 4).fill_(3);
  CHECK(torch::allclose(layer(x, bias, AttentionWeights::none).tokens.slice(1, 0, 4), layer(other, bias, AttentionWeights::none).tokens.slice(1, 0, 4), 1e-5, 1e-6));
}

TEST_CASE("bert_layer: dropout acts in training only", "[nn][fast]") {
  auto config = kSmallLayer;
  config.dropout = 0.5;
  mgca::BertLayer layer(config);
  const auto x = torch::randn({2, 5, 12});
  const auto run = [&] { return layer(x, kNoBias, AttentionWeights::none).tokens; };
  CHECK_FALSE(torch::equal(run(), run()));
  layer->eval();
  CHECK(torch::equal(run(), run()));
}

TEST_CASE("bert_layer: the published layout registers its unused block", "[nn][fast]") {
  auto config = kSmallLayer;
  config.cross_attention = true;
  mgca::BertLayer layer(config);
  CHECK(layer->named_parameters().contains("crossattention.self.query.weight"));
  CHECK(layer->named_parameters().contains("crossattention.output.LayerNorm.bias"));
  CHECK_FALSE(mgca::BertLayer(kSmallLayer)->named_parameters().contains("crossattention.self.query.weight"));
}

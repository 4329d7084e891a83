#include "expect_error.hpp"
#include "golden.hpp"
#include "gradients.hpp"

#include <mgca/nn/bert_embeddings.hpp>

using mgca::test::Golden;

namespace {
const mgca::BertEmbeddingsConfig kSmall{.vocabulary = 20, .width = 6, .max_positions = 8, .dropout = 0};
}

TEST_CASE("bert_embeddings: both profiles equal the reference", "[nn][golden][fast]") {
  for (const std::string name : {"mgca_vit_eval", "mgca_fixed_vit_eval"}) {
    const Golden golden(name);
    INFO(name);
    const auto& text = golden.config["text"];
    mgca::BertEmbeddings embeddings({.vocabulary = text["vocab_size"], .width = text["width"], .max_positions = text["max_positions"],
                                     .dropout = text["dropout"], .zero_position_ids = name == "mgca_vit_eval"});
    mgca::test::fill_by_formula(*embeddings, "text_encoder_q.model.embeddings.", golden.config["weights"]["seed"]);
    golden.check("text.hidden.0", embeddings(golden.batch.at("caption_ids")));
  }
}

TEST_CASE("bert_embeddings: the gradient reaches every table", "[nn][fast]") {
  auto config = kSmall;
  config.token_types = true;
  mgca::BertEmbeddings embeddings(config);
  const auto y = embeddings(torch::randint(0, 20, {3, 8}));
  CHECK(y.sizes() == at::IntArrayRef({3, 8, 6}));
  mgca::test::expect_gradients(*embeddings, mgca::test::projected(y));
}

TEST_CASE("bert_embeddings: each token is normalised; zero position ids hide the order", "[nn][fast]") {
  const auto ids = torch::tensor({{3, 4, 3}}, torch::kLong);
  for (const bool zero : {false, true}) {
    auto config = kSmall;
    config.zero_position_ids = zero;
    mgca::BertEmbeddings embeddings(config);
    const auto y = embeddings(ids)[0];
    CHECK(torch::allclose(y.mean(-1), torch::zeros({3}), 0, 1e-5));
    CHECK(torch::equal(y[0], y[2]) == zero);
  }
}

TEST_CASE("bert_embeddings: token types add row 0 before the norm, dropout acts in training only", "[nn][fast]") {
  auto config = kSmall;
  config.token_types = true;
  config.dropout = 0.5;
  mgca::BertEmbeddings embeddings(config);
  const auto ids = torch::randint(0, 20, {2, 8});
  CHECK(embeddings(ids).eq(0).any().item<bool>());
  embeddings->eval();
  const auto& e = *embeddings.get();
  const auto sum = e.word_embeddings->weight.index_select(0, ids.flatten()).view({2, 8, 6}) + e.position_embeddings->weight + e.token_type_embeddings->weight[0];
  CHECK(torch::allclose(embeddings(ids), torch::layer_norm(sum, {6}, {}, {}, 1e-12), 1e-4, 1e-5));
}

TEST_CASE("bert_embeddings: more tokens than positions are refused with the remedy", "[nn][fast]") {
  mgca::BertEmbeddings embeddings(kSmall);
  mgca::test::expect_error([&] { (void)embeddings(torch::zeros({1, 9}, torch::kLong)); }, {"9 tokens", "8 positions", "max_positions"});
}

// Token ids to vectors: word plus position (plus token type where the weights bring a table), normalised.
// Reference: Devlin et al. 2019. Official code: the all-zero token types went into the position slot, so every token
// receives position row 0 (TextQuirks::zero_position_ids).
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/handle.hpp>

namespace mgca {

struct BertEmbeddingsConfig {
  int64_t vocabulary = 28996;
  int64_t width = 768;
  int64_t max_positions = 512;
  double dropout = 0.1;
  bool zero_position_ids = false;
  bool token_types = false;  // a table of two rows, of which row 0 is added everywhere
};

struct BertEmbeddingsImpl : torch::nn::Module {
  using Config = BertEmbeddingsConfig;

  explicit BertEmbeddingsImpl(const Config& c)
      : word_embeddings(register_module("word_embeddings", torch::nn::Embedding(c.vocabulary, c.width))),
        position_embeddings(register_module("position_embeddings", torch::nn::Embedding(c.max_positions, c.width))),
        norm(register_module("LayerNorm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({c.width}).eps(1e-12)))),
        position_ids(register_buffer("position_ids", torch::arange(c.max_positions).unsqueeze(0))), config_(c) {
    if (c.token_types) token_type_embeddings = register_module("token_type_embeddings", torch::nn::Embedding(2, c.width));
  }

  Tensor forward(const Tensor& ids) {  // (B, T) -> (B, T, width)
    MGCA_CHECK(ids.size(1) <= config_.max_positions, "bert: reports of ", ids.size(1), " tokens, but only ",
               config_.max_positions, " positions; raise max_positions or shorten the reports");
    const auto positions = position_ids.slice(1, 0, ids.size(1));  // (1, T)
    auto x = word_embeddings(ids) + position_embeddings(config_.zero_position_ids ? torch::zeros_like(positions) : positions);
    if (config_.token_types) x = x + token_type_embeddings(torch::zeros_like(positions));
    return torch::dropout(norm(x), config_.dropout, is_training());
  }

  torch::nn::Embedding word_embeddings, position_embeddings, token_type_embeddings{nullptr};
  torch::nn::LayerNorm norm;
  Tensor position_ids;

 private:
  Config config_;
};
using BertEmbeddings = Handle<BertEmbeddingsImpl>;

}  // namespace mgca

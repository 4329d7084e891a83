// The text encoder: a report as word pieces, read by post-norm layers, gathered into words.
// Reference: Devlin et al. 2019; MGCA uses the first six layers of BioClinicalBERT.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/profile.hpp>
#include <mgca/encoders/features.hpp>
#include <mgca/feed/batch.hpp>  // Tokens
#include <mgca/nn/bert_embeddings.hpp>
#include <mgca/nn/bert_layer.hpp>
#include <mgca/nn/init.hpp>
#include <mgca/ops/word_pool.hpp>
#include <mgca/tensor/handle.hpp>

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mgca {

// What stands for the whole report.
enum class BertSummary : uint8_t {
  class_token,
  mean,  // over the T tokens, padding counted as 0 (GLoRIA)
};
constexpr auto names_of(BertSummary) { return std::to_array<std::string_view>({"class_token", "mean"}); }

struct BertConfig {
  int64_t vocabulary = 28996;   // word pieces
  int64_t length = 112;         // tokens per report
  int64_t width = 768;          // channels per token
  int64_t depth = 6;            // layers
  int64_t last_layers = 1;      // the features are sums over the last so many layers
  BertSummary summary = BertSummary::class_token;
  bool class_word = false;      // the class token is a word too, in one more slot behind all others (GLoRIA)
  int64_t heads = 12;           // attention heads
  int64_t intermediate = 3072;  // hidden width of the feed-forward part
  double dropout = 0.1;         // of hidden states and of attention, in training
  int64_t max_positions = 512;  // rows of the position table
  bool token_types = false;     // add row 0 of a token-type table
  bool cross_attention = false; // register the published files' unused blocks
  Profile profile = Profile::fixed;

  static void describe(auto& self, auto&& field) {
    field("vocabulary", self.vocabulary, "word pieces");
    field("length", self.length, "tokens per report");
    field("width", self.width, "channels per token");
    field("depth", self.depth, "layers");
    field("last_layers", self.last_layers, "the features are sums over the last so many layers");
    field("summary", self.summary, "what stands for the whole report");
    field("class_word", self.class_word, "the class token is a word too, in one more slot behind all others");
    field("heads", self.heads, "attention heads");
    field("intermediate", self.intermediate, "hidden width of the feed-forward part");
    field("dropout", self.dropout, "dropout of hidden states and attention, in training");
    field("max_positions", self.max_positions, "rows of the position table");
    field("token_types", self.token_types, "add row 0 of a token-type table");
    field("cross_attention", self.cross_attention, "register the published files' unused blocks");
    field("profile", self.profile, "which behaviour");
  }
  void validate() const {
    MGCA_CHECK(heads > 0 && width > 0 && width % heads == 0, "bert: width ", width, " is not a multiple of heads ", heads);
    MGCA_CHECK(vocabulary > 0 && depth > 0 && intermediate > 0, "bert: expected positive vocabulary, depth and intermediate, got ",
               vocabulary, ", ", depth, ", ", intermediate);
    MGCA_CHECK(last_layers >= 1 && last_layers <= depth + 1, "bert: last_layers ", last_layers, " must lie in 1 .. ", depth + 1,
               ", the layers and the embeddings before them");
    MGCA_CHECK(length >= 2 && length <= max_positions, "bert: length ", length, " must lie in 2 .. max_positions ", max_positions);
    MGCA_CHECK(dropout >= 0 && dropout < 1, "bert: dropout must lie in [0, 1), got ", dropout);
  }
};

namespace detail {

// Throws Error(argument) for what is wrong with a batch as far as nothing need wait to see it: shapes and types always,
// values where they lie in host memory.
inline void check_tokens(const Tokens& tokens, int64_t vocabulary) {
  const auto &ids = tokens.ids, &slots = tokens.word_slot;
  MGCA_CHECK(ids.dim() == 2 && ids.size(1) >= 2 && tokens.mask.sizes() == ids.sizes() && slots.sizes() == ids.sizes(),
             "bert: expected token ids, mask and word slots of one shape (B, T), T at least 2, got ", ids.sizes(), ", ", tokens.mask.sizes(), " and ", slots.sizes());
  MGCA_CHECK(tokens.words.dim() == 1 && tokens.words.size(0) == ids.size(0), "bert: expected a number of words for each of ", ids.size(0),
             " reports, got ", tokens.words.sizes());
  for (const auto& tensor : {ids, tokens.mask, slots, tokens.words}) {
    MGCA_CHECK(tensor.scalar_type() == torch::kLong, "bert: tokens are int64, got ", torch::toString(tensor.scalar_type()), "; convert them with .to(torch::kLong)");
  }
  if (!ids.is_cpu() || !slots.is_cpu() || !tokens.words.is_cpu()) return;
  const auto id = ids.accessor<int64_t, 2>(), slot = slots.accessor<int64_t, 2>();
  const auto words = tokens.words.accessor<int64_t, 1>();
  const auto T = ids.size(1);
  for (int64_t b = 0; b < ids.size(0); ++b) {
    MGCA_CHECK(words[b] >= 0 && words[b] < T, "bert: report ", b, " of the batch has ", words[b], " words; ", T, " tokens hold 0 to ", T - 1);
    for (int64_t t = 0; t < T; ++t) {
      MGCA_CHECK(id[b][t] >= 0 && id[b][t] < vocabulary, "bert: token ", t, " of report ", b, " in the batch is id ", id[b][t], ", the model knows 0 to ",
                 vocabulary - 1, "; read reports with the vocabulary the model was built for");
      MGCA_CHECK(slot[b][t] >= -1 && slot[b][t] < T - 1, "bert: token ", t, " of report ", b, " in the batch has word slot ", slot[b][t],
                 "; expected 0 to ", T - 2, ", or -1 for none");
    }
  }
}

// "encoder": the layers under the name the checkpoints give them.
struct BertStackImpl : torch::nn::Module {
  using Config = BertConfig;
  explicit BertStackImpl(const Config& c) {
    torch::nn::ModuleList list;
    for (int64_t i = 0; i < c.depth; ++i) {
      layers.emplace_back(BertLayerConfig{.width = c.width, .heads = c.heads, .intermediate = c.intermediate, .dropout = c.dropout,
                                          .cross_attention = c.cross_attention});
      list->push_back(layers.back());
    }
    register_module("layer", list);
  }
  std::vector<BertLayer> layers;
};
}  // namespace detail

struct BertImpl : torch::nn::Module {
  using Config = BertConfig;

  explicit BertImpl(const Config& c)
      : config((c.validate(), c)),
        embeddings(register_module("embeddings", BertEmbeddings({.vocabulary = c.vocabulary, .width = c.width, .max_positions = c.max_positions,
                                                                 .dropout = c.dropout, .zero_position_ids = text_quirks(c.profile).zero_position_ids,
                                                                 .token_types = c.token_types}))),
        encoder(register_module("encoder", Handle<detail::BertStackImpl>(c))) {
    nn::normal_weights(*this);
  }

  // Hidden states, (B, T, D), summed over the last `last_layers` layers, and the last one's attention weights as asked for.
  AttentionOutput hidden(const Tokens& tokens, AttentionWeights wanted) {
    const auto bias = padding_bias(tokens);
    AttentionOutput x{.tokens = embeddings(tokens.ids)};
    Tensor sum = config.last_layers > config.depth ? x.tokens : Tensor();
    for (int64_t i = 0; i < config.depth; ++i) {
      x = encoder->layers[static_cast<std::size_t>(i)](x.tokens, bias, i + 1 == config.depth ? wanted : AttentionWeights::none);
      if (i >= config.depth - config.last_layers) sum = sum.defined() ? sum + x.tokens : x.tokens;
    }
    return {.tokens = sum, .weights = x.weights};
  }

  // What every layer gave.
  [[nodiscard]] LayerStates layers(const Tokens& tokens) {
    const auto bias = padding_bias(tokens);
    LayerStates all{.hidden = {embeddings(tokens.ids)}, .attention = {}};
    for (auto& layer : encoder->layers) {
      const auto x = layer(all.hidden.back(), bias, AttentionWeights::full);
      all.hidden.push_back(x.tokens);
      all.attention.push_back(x.weights);
    }
    return all;
  }

  Features forward(const Tokens& tokens) {
    detail::check_tokens(tokens, config.vocabulary);
    const auto x = hidden(tokens, AttentionWeights::summary);
    const auto slots = torch::arange(tokens.length() - 1, tokens.words.options());
    Features out{.global = summary(x.tokens, tokens.mask),                          // (B, D)
                 .local = ops::word_pool(x.tokens, tokens.word_slot),               // (B, T-1, D)
                 .attention = word_attention(x.weights, tokens.word_slot),          // (B, T-1)
                 .valid = slots.unsqueeze(0) < tokens.words.unsqueeze(1)};          // (B, T-1)
    if (!config.class_word) return out;
    out.local = torch::cat({out.local, x.tokens.narrow(1, 0, 1)}, 1);               // (B, T, D)
    out.attention = torch::cat({out.attention, token_attention(x.weights).narrow(1, 0, 1)}, 1);
    out.valid = torch::constant_pad_nd(out.valid, {0, 1}, 1);
    return out;
  }

  // (B, heads, 1, T) attention of the class token -> (B, T) per token.
  // Official code: token i carries the attention paid to token i + 1.
  [[nodiscard]] Tensor token_attention(const Tensor& summary) const {
    const auto mean = summary.select(2, 0).mean(1);  // (B, T)
    if (!text_quirks(config.profile).shifted_word_attention) return mean;
    return torch::constant_pad_nd(mean.slice(1, 1), {0, 1});
  }

  [[nodiscard]] int64_t global_width() const { return config.width; }
  [[nodiscard]] int64_t local_width() const { return config.width; }

  const Config config;
  BertEmbeddings embeddings;
  Handle<detail::BertStackImpl> encoder;

 private:
  // (B, 1, 1, T), added to the attention scores.
  [[nodiscard]] static Tensor padding_bias(const Tokens& tokens) {
    constexpr double kOutOfReach = -10000.0;  // of padding, as the reference does
    return ((1 - tokens.mask) * kOutOfReach).to(torch::kFloat32).unsqueeze(1).unsqueeze(1);
  }
  [[nodiscard]] Tensor summary(const Tensor& hidden, const Tensor& mask) const {
    if (config.summary == BertSummary::class_token) return hidden.select(1, 0);
    return (hidden * mask.unsqueeze(2)).mean(1);
  }
  [[nodiscard]] Tensor word_attention(const Tensor& summary, const Tensor& word_slot) const {
    const torch::NoGradGuard no_grad;
    return ops::word_pool(token_attention(summary).unsqueeze(2), word_slot).squeeze(2);
  }
};
using Bert = Handle<BertImpl>;

}  // namespace mgca

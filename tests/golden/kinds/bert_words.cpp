// The text tower in both profiles, its pieces gathered into the entries of the reference: [CLS], the words, [SEP].
#include "../model.hpp"

#include <mgca/core/enum.hpp>
#include <mgca/ops/word_pool.hpp>

#include <algorithm>

namespace mgca::golden {

namespace {

struct Entries {
  Tensor features;  // (B, T, D)
  Tensor attention; // (B, T)
};

Tensors in_profile(const Case& one, Profile profile) {
  const TokenRows rows{one.input("caption_ids"), one.input("attention_mask")};
  auto quirks = text_quirks(profile);
  quirks.separator_is_word = true;  // [SEP] is an entry in both profiles
  const auto tokens = tokens_of(rows, vocabulary_of(one), quirks);
  auto config = text_config(one.config.at("text"), profile);
  const auto features_of = [&](int64_t last_layers) {
    config.last_layers = last_layers;
    Bert bert(config);
    load_weights(*bert, one.config.at("weight_prefix"), one);
    bert->eval();
    return bert;
  };
  // Entry 0 is [CLS]; the slots of words follow.
  const auto entries = [&](const Tensor& pieces) {
    return torch::cat({pieces.slice(1, 0, 1), ops::word_pool(pieces, tokens.word_slot)}, 1);
  };
  const auto prefix = std::string(to_string(profile)) + ".";
  const auto T = tokens.length();
  Tensors out;

  auto bert = features_of(1);
  const auto layers = bert->layers(tokens);
  for (std::size_t i = 0; i < layers.attention.size(); ++i) out[prefix + "attention." + std::to_string(i)] = layers.attention[i];
  const auto last = bert->hidden(tokens, AttentionWeights::summary);
  const auto attention = bert->token_attention(last.weights);  // (B, T)
  out[prefix + "last_hidden"] = last.tokens;
  out[prefix + "cls_attention"] = attention.slice(1, 0, T - (quirks.shifted_word_attention ? 1 : 0));
  out[prefix + "entries"] = entries(last.tokens);
  out[prefix + "entry_attention"] = entries(attention.unsqueeze(2)).squeeze(2);
  out[prefix + "sentence_last1"] = out[prefix + "entries"].mean(1);
  const auto place = torch::arange(T, torch::kLong).unsqueeze(0);
  out[prefix + "pad_mask"] = (place > tokens.words.unsqueeze(1)).to(torch::kUInt8);
  out[prefix + "segment"] = torch::where(place == 0, torch::zeros_like(tokens.word_slot),
                                         torch::where(tokens.word_slot < 0, tokens.word_slot, tokens.word_slot + 1));
  const auto summed = features_of(std::min<int64_t>(4, config.depth + 1))->hidden(tokens, AttentionWeights::none).tokens;
  out[prefix + "entries_last4_sum"] = entries(summed);
  out[prefix + "sentence_last4"] = out[prefix + "entries_last4_sum"].mean(1);
  return out;
}

Answer bert_words(const Case& one) {
  const torch::NoGradGuard no_grad;
  Answer answer{.tensors = in_profile(one, Profile::official), .document = {}};
  answer.tensors.merge(in_profile(one, Profile::fixed));
  return answer;
}

const Kind bert_words_kind("bert_words", bert_words);

}  // namespace

}  // namespace mgca::golden

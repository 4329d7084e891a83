// Token batches of the golden cases, with the word slots our collate would make.
#pragma once

#include "golden.hpp"
#include "vocabulary.hpp"

#include <mgca/feed/batch.hpp>
#include <mgca/text/word_map.hpp>

#include <vector>

namespace mgca::test {

inline Tokens golden_tokens(const Tensor& ids, const Tensor& mask, Profile profile) {
  const auto B = ids.size(0), T = ids.size(1);
  Tokens tokens{.ids = ids, .mask = mask, .word_slot = torch::full({B, T}, -1, torch::kLong), .words = torch::zeros({B}, torch::kLong)};
  for (int64_t b = 0; b < B; ++b) {
    std::vector<int32_t> row;
    for (int64_t t = 0; t < T; ++t) row.push_back(static_cast<int32_t>(ids[b][t].item<int64_t>()));
    const auto map = text::word_map(row, bert_vocabulary(), text_quirks(profile));
    for (int64_t t = 0; t < T; ++t) tokens.word_slot[b][t] = map.slot_of_token[static_cast<std::size_t>(t)];
    tokens.words[b] = map.words;
  }
  return tokens;
}

}  // namespace mgca::test

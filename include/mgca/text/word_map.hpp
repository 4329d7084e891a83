// Which tokens form a word: decided once on the host, so that no training step looks at text.
// The model sums the hidden states of a word's pieces and the attention paid to them. A word slot j of the model is entry
// j + 1 of the reference's aggregation, whose entry 0 is [CLS].
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/profile.hpp>
#include <mgca/text/vocabulary.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mgca::text {

struct WordMap {
  std::vector<std::int32_t> slot_of_token;  // slot 0 .. T-2 of the word a token belongs to; -1: none
  std::int32_t words = 0;                   // slots in use
};

// The words of one report as ids [CLS] ... [SEP] [PAD] .... A piece without "##" opens a word, a "##" piece joins the open
// one. Quirks: the published scan stops one token early, discards a word it left open, and gives [SEP] a slot.
[[nodiscard]] inline WordMap word_map(std::span<const std::int32_t> ids, const Vocabulary& vocabulary, const TextQuirks& quirks) {
  WordMap map{.slot_of_token = std::vector<std::int32_t>(ids.size(), -1)};
  const std::size_t end = quirks.last_token_unread && !ids.empty() ? ids.size() - 1 : ids.size();
  std::int32_t open = -1;  // the slot of the open word
  bool closed = false;     // a [SEP] or a pad ended the report
  for (std::size_t i = 1; i < end && !closed; ++i) {
    const auto id = ids[i];
    if (id == vocabulary.sep()) {
      closed = true;
      if (quirks.separator_is_word) map.slot_of_token[i] = map.words++;
    } else if (id == vocabulary.pad() && !quirks.separator_is_word) {
      closed = true;
    } else {
      if (open < 0 || !vocabulary.is_continuation(id)) open = map.words++;
      map.slot_of_token[i] = open;
    }
  }
  if (!closed && quirks.last_token_unread && open >= 0) {
    for (auto& slot : map.slot_of_token) slot = slot == open ? -1 : slot;
    --map.words;
  }
  return map;
}

// The words as text, one per slot.
[[nodiscard]] inline std::vector<std::string> word_texts(std::span<const std::int32_t> ids, const WordMap& map, const Vocabulary& vocabulary) {
  std::vector<std::string> words(static_cast<std::size_t>(map.words));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (map.slot_of_token[i] < 0) continue;
    auto& word = words[static_cast<std::size_t>(map.slot_of_token[i])];
    const auto& piece = vocabulary.token(ids[i]);
    word += !word.empty() && vocabulary.is_continuation(ids[i]) ? piece.substr(2) : piece;
  }
  return words;
}

}  // namespace mgca::text

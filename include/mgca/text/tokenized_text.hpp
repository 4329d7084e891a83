// A cleaned text as the model reads it: word pieces, and which of them form a word.
#pragma once

#include <mgca/core/profile.hpp>
#include <mgca/text/word_map.hpp>
#include <mgca/text/wordpiece.hpp>

#include <string_view>
#include <utility>

namespace mgca {

struct TokenizedText {
  TokenRow pieces;
  text::WordMap words;
};

// Throws Error(data) for text that is not UTF-8.
[[nodiscard]] inline TokenizedText tokenized(std::string_view cleaned, const WordPiece& tokenizer, Profile profile) {
  auto pieces = tokenizer.encode(cleaned);
  auto words = text::word_map(pieces.ids, tokenizer.vocabulary(), text_quirks(profile));
  return {std::move(pieces), std::move(words)};
}

}  // namespace mgca

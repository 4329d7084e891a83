// Cleaned report texts as batches of tokens.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/profile.hpp>
#include <mgca/feed/batch.hpp>
#include <mgca/text/caption.hpp>
#include <mgca/text/tokenized_text.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

// The first `length` tokens of each text, one a row; no text may have more.
[[nodiscard]] inline Tokens stacked(std::span<const TokenizedText* const> texts, int64_t length) {
  const auto B = static_cast<int64_t>(texts.size());
  Tokens out{.ids = torch::empty({B, length}, torch::kLong), .mask = torch::empty({B, length}, torch::kLong),
             .word_slot = torch::empty({B, length}, torch::kLong), .words = torch::empty({B}, torch::kLong)};
  auto *ids = out.ids.data_ptr<int64_t>(), *mask = out.mask.data_ptr<int64_t>(), *slot = out.word_slot.data_ptr<int64_t>(), *words = out.words.data_ptr<int64_t>();
  for (const auto* one : texts) {
    for (int64_t t = 0; t < length; ++t) {
      *ids++ = one->pieces.ids[static_cast<std::size_t>(t)];
      *mask++ = t < one->pieces.used ? 1 : 0;
      *slot++ = one->words.slot_of_token[static_cast<std::size_t>(t)];
    }
    *words++ = one->words.words;
  }
  return out;
}

namespace detail {
// Rows of the tokenizer's length of what `clean` leaves of each text; `what` names one in errors.
template <class Clean>
[[nodiscard]] Tokens tokens_of_cleaned(std::span<const std::string> all, const char* what, const WordPiece& tokenizer, Profile profile, const Clean& clean) {
  std::vector<TokenizedText> texts;
  for (const auto& text : all) {
    try {
      texts.push_back(tokenized(clean(text), tokenizer, profile));
    } catch (const Error& error) {
      fail(error.kind(), what, " ", texts.size() + 1, ": ", error.what());
    }
    if (texts.back().pieces.used <= 2) fail(ErrorKind::data, what, " ", texts.size(), " holds no word after cleaning");
  }
  std::vector<const TokenizedText*> rows;
  for (const auto& one : texts) rows.push_back(&one);
  return stacked(rows, tokenizer.config().length);
}
}  // namespace detail

// Reports as a training run sees them, for whoever embeds reports without a data set; all as long as the tokenizer's length.
// Throws Error(data) with the number of the report, counted from 1, for text that is not UTF-8 and for a report without a word.
[[nodiscard]] inline Tokens tokens_of(std::span<const std::string> reports, const WordPiece& tokenizer, Profile profile) {
  return detail::tokens_of_cleaned(reports, "report", tokenizer, profile,
                                   [](const std::string& text) { return text::clean_caption({.impression = text, .findings = ""}).joined(); });
}

// Prompts and questions likewise; they may be a single word, which a report's sentence may not.
[[nodiscard]] inline Tokens tokens_of_phrases(std::span<const std::string> phrases, const WordPiece& tokenizer, Profile profile) {
  return detail::tokens_of_cleaned(phrases, "phrase", tokenizer, profile, [](const std::string& text) { return text::clean_phrase(text); });
}

}  // namespace mgca

// Cleaned report texts as one batch of tokens, for whoever embeds reports without a data set.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/profile.hpp>
#include <mgca/feed/batch.hpp>
#include <mgca/text/caption.hpp>
#include <mgca/text/word_map.hpp>
#include <mgca/text/wordpiece.hpp>

#include <cstdint>
#include <span>
#include <string>

namespace mgca {

// Reports as a training run sees them: cleaned, cut into pieces, grouped into words. Throws Error(data) with the number of the
// report, counted from 1, for text that is not UTF-8 and for a report without a word.
[[nodiscard]] inline Tokens tokens_of(std::span<const std::string> reports, const WordPiece& tokenizer, Profile profile) {
  const auto B = static_cast<int64_t>(reports.size()), T = tokenizer.config().length;
  Tokens out{.ids = torch::empty({B, T}, torch::kLong), .mask = torch::empty({B, T}, torch::kLong), .word_slot = torch::empty({B, T}, torch::kLong),
             .words = torch::empty({B}, torch::kLong)};
  auto *ids = out.ids.data_ptr<int64_t>(), *mask = out.mask.data_ptr<int64_t>(), *slot = out.word_slot.data_ptr<int64_t>();
  for (int64_t b = 0; b < B; ++b) {
    TokenRow row;
    try {
      row = tokenizer.encode(text::clean_caption({.impression = reports[static_cast<std::size_t>(b)], .findings = ""}).joined());
    } catch (const Error& error) {
      fail(error.kind(), "report ", b + 1, ": ", error.what());
    }
    if (row.used <= 2) fail(ErrorKind::data, "report ", b + 1, " holds no word after cleaning");
    const auto map = text::word_map(row.ids, tokenizer.vocabulary(), text_quirks(profile));
    for (int64_t t = 0; t < T; ++t) {
      *ids++ = row.ids[static_cast<std::size_t>(t)];
      *mask++ = t < row.used ? 1 : 0;
      *slot++ = map.slot_of_token[static_cast<std::size_t>(t)];
    }
    out.words.data_ptr<int64_t>()[b] = map.words;
  }
  return out;
}

}  // namespace mgca

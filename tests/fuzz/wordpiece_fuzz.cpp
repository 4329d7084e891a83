// Every byte string becomes ids of the table, a row of the length asked for, and words that lie inside it.
#include "fuzz.hpp"

#include <mgca/core/utf8.hpp>
#include <mgca/text/caption.hpp>
#include <mgca/text/word_map.hpp>
#include <mgca/text/wordpiece.hpp>

#include <algorithm>

using mgca::WordPiece;
using mgca::test::demand;

namespace {

mgca::Vocabulary letters() {
  std::vector<std::string> tokens{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "lung", "##s", "effusion", "\xC3\xA9", "##\xC3\xA9", "."};
  for (char c = 'a'; c <= 'z'; ++c) tokens.insert(tokens.end(), {std::string(1, c), "##" + std::string(1, c)});
  std::vector<std::string> unique;
  for (auto& token : tokens) {
    if (std::find(unique.begin(), unique.end(), token) == unique.end()) unique.push_back(token);
  }
  return mgca::Vocabulary(unique);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const WordPiece lower(letters(), {.length = 16}), cased(letters(), {.length = 3, .lower_case = false, .max_word_length = 4});
  const auto text = mgca::test::as_text(data, size);
  bool refused = false;
  try {
    (void)lower.pieces(text);
    (void)mgca::text::clean_caption({.impression = text, .findings = text});
  } catch (const mgca::Error& error) {
    refused = true;
    demand(error.kind() == mgca::ErrorKind::data);
  }
  demand(refused == (mgca::first_invalid_utf8(text) < text.size()));
  for (const auto* tokenizer : {&lower, &cased}) {
    const auto row = tokenizer->encode(text, mgca::InvalidUtf8::replace);
    demand(static_cast<std::int64_t>(row.ids.size()) == tokenizer->config().length && row.used >= 2 && row.used <= tokenizer->config().length);
    for (const auto id : row.ids) demand(id >= 0 && id < tokenizer->vocabulary().size());
    for (const auto profile : {mgca::Profile::official, mgca::Profile::fixed}) {
      const auto map = mgca::text::word_map(row.ids, tokenizer->vocabulary(), mgca::text_quirks(profile));
      for (const auto slot : map.slot_of_token) demand(slot >= -1 && slot < map.words);
      demand(static_cast<std::int32_t>(mgca::text::word_texts(row.ids, map, tokenizer->vocabulary()).size()) == map.words);
    }
  }
  const auto caption = mgca::text::clean_caption({.impression = text, .findings = ""}, mgca::InvalidUtf8::replace);
  for (const auto& sentence : caption.sentences) demand(std::all_of(sentence.begin(), sentence.end(), [](char c) { return c > 0; }));
  return 0;
}

#include "catch.hpp"
#include "vocabulary.hpp"

#include <mgca/text/word_map.hpp>
#include <mgca/text/wordpiece.hpp>

using mgca::Profile;
using mgca::text_quirks;
using mgca::test::bert_vocabulary;
using mgca::text::word_map;
using mgca::text::word_texts;
using Slots = std::vector<int32_t>;

namespace {
Slots ids_of(std::initializer_list<const char*> tokens) {
  Slots ids;
  for (const auto* token : tokens) {
    ids.push_back(bert_vocabulary().find(token));
    REQUIRE(ids.back() >= 0);
  }
  return ids;
}
}  // namespace

TEST_CASE("word_map: pieces join the word before them, in both profiles", "[text][fast]") {
  const auto ids = ids_of({"[CLS]", "no", "e", "##ff", "##usion", "seen", "[SEP]", "[PAD]", "[PAD]"});
  const auto fixed = word_map(ids, bert_vocabulary(), text_quirks(Profile::fixed));
  CHECK(fixed.slot_of_token == Slots{-1, 0, 1, 1, 1, 2, -1, -1, -1});
  CHECK(fixed.words == 3);
  CHECK(word_texts(ids, fixed, bert_vocabulary()) == std::vector<std::string>{"no", "effusion", "seen"});
  const auto official = word_map(ids, bert_vocabulary(), text_quirks(Profile::official));
  CHECK(official.slot_of_token == Slots{-1, 0, 1, 1, 1, 2, 3, -1, -1});
  CHECK(official.words == 4);
}

TEST_CASE("word_map: a full report loses its last word in the official profile only", "[text][fast]") {
  const auto ids = ids_of({"[CLS]", "no", "e", "##ff", "##usion", "[SEP]"});
  const auto fixed = word_map(ids, bert_vocabulary(), text_quirks(Profile::fixed));
  CHECK(fixed.slot_of_token == Slots{-1, 0, 1, 1, 1, -1});
  const auto official = word_map(ids, bert_vocabulary(), text_quirks(Profile::official));
  CHECK(official.slot_of_token == Slots{-1, 0, -1, -1, -1, -1});
  CHECK(official.words == 1);
}

TEST_CASE("word_map: an empty report has no word, an unknown token is one", "[text][fast]") {
  const auto empty = ids_of({"[CLS]", "[SEP]", "[PAD]"});
  CHECK(word_map(empty, bert_vocabulary(), text_quirks(Profile::fixed)).words == 0);
  CHECK(word_map(empty, bert_vocabulary(), text_quirks(Profile::official)).words == 1);
  const auto unknown = ids_of({"[CLS]", "[UNK]", "[UNK]", "[SEP]"});
  CHECK(word_map(unknown, bert_vocabulary(), text_quirks(Profile::fixed)).words == 2);
}

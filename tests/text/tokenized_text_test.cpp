#include "catch.hpp"
#include "vocabulary.hpp"

#include <mgca/text/tokenized_text.hpp>

TEST_CASE("tokenized_text: the pieces are the tokenizer's, the words those of the profile", "[text][fast]") {
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 12});
  for (const auto profile : {mgca::Profile::fixed, mgca::Profile::official}) {
    const auto text = mgca::tokenized("the heart is large", tokenizer, profile);
    CHECK(text.pieces.ids == tokenizer.encode("the heart is large").ids);
    const auto words = mgca::text::word_map(text.pieces.ids, tokenizer.vocabulary(), mgca::text_quirks(profile));
    CHECK(text.words.slot_of_token == words.slot_of_token);
    CHECK(text.words.words == words.words);
    CHECK(text.words.words == (profile == mgca::Profile::official ? 5 : 4));
  }
}

#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/text/vocabulary_trainer.hpp>

using Tokens = std::vector<std::string>;

TEST_CASE("vocabulary_trainer: the corpus encodes without unknown tokens, and frequent words are whole", "[text][fast]") {
  const Tokens corpus{"effusion on the left", "effusion on the right", "No effusion.", "caf\xC3\xA9 effusion", "left lung clear"};
  const auto vocabulary = mgca::text::train_vocabulary(corpus, {.size = 120});
  const mgca::WordPiece tokenizer(vocabulary);
  for (const auto& text : corpus) {
    for (const auto id : tokenizer.pieces(text)) CHECK(id != vocabulary.unknown());
  }
  CHECK(vocabulary.find("effusion") >= 0);
  CHECK(tokenizer.pieces("effusion").size() == 1);
  CHECK(mgca::text::train_vocabulary(corpus, {.size = 120}).tokens() == vocabulary.tokens());
}

TEST_CASE("vocabulary_trainer: a size below the characters is refused", "[text][fast]") {
  const Tokens corpus{"abcdef"};
  mgca::test::expect_error([&] { (void)mgca::text::train_vocabulary(corpus, {.size = 8}); }, {"size 8", "17"});
  mgca::test::expect_error([] { (void)mgca::text::train_vocabulary({}, {}); }, {"0 texts"});
}

TEST_CASE("vocabulary_trainer: the first pair joined is the most frequent one, the earlier of two equals", "[text][fast]") {
  // Words ab (3 times), cd (3), ef (2): the table is five special tokens, six letters plain and continued, then the pairs.
  const auto vocabulary = mgca::text::train_vocabulary(Tokens{"ab cd ef", "ab cd ef", "ab cd"}, {.size = 20});
  const auto& tokens = vocabulary.tokens();
  REQUIRE(tokens.size() == 20);
  CHECK(Tokens(tokens.begin() + 17, tokens.end()) == Tokens{"ab", "cd", "ef"});
}

TEST_CASE("vocabulary_trainer: special tokens, odd characters and endless words in the corpus stay encodable", "[text][fast]") {
  const Tokens corpus{"[CLS] [PAD]x ## #a ##b", "\xE4\xB8\xAD\xE6\x96\x87 \xC4\xB0stanbul", std::string(3000, 'q'), "\xE2\x80\x8B\x01 \xEF\xBF\xBD", "two\r\nlines\n"};
  const auto vocabulary = mgca::text::train_vocabulary(corpus, {.size = 200});
  const mgca::WordPiece tokenizer(vocabulary, {.max_word_length = 1000});
  for (std::size_t i = 0; i < corpus.size(); ++i) {
    INFO("text " << i);
    const auto ids = tokenizer.pieces(corpus[i]);
    const auto unknown = std::count(ids.begin(), ids.end(), vocabulary.unknown());
    CHECK(unknown == (i == 2 ? 1 : 0));  // a word over the tokenizer's limit is unknown as a whole
  }
  mgca::test::expect_error([] { (void)mgca::text::train_vocabulary(Tokens{"a\xFF"}); }, {"byte 1", "UTF-8"});
}

#include "catch.hpp"
#include "expect_error.hpp"
#include "vocabulary.hpp"

#include <mgca/text/vocabulary_trainer.hpp>

#include <fstream>

using Tokens = std::vector<std::string>;

TEST_CASE("vocabulary: the cased BERT table has its ids and its identity", "[text][golden][fast]") {
  const auto& vocabulary = mgca::test::bert_vocabulary();
  CHECK(vocabulary.size() == 28996);
  CHECK(vocabulary.pad() == 0);
  CHECK(vocabulary.unknown() == 100);
  CHECK(vocabulary.cls() == 101);
  CHECK(vocabulary.sep() == 102);
  CHECK(vocabulary.mask() == 103);
  CHECK(vocabulary.content_hash() == "eeaa9875b23b04b4c54ef759d03db9d1ba1554838f8fb26c5d96fa551df93d02");
  CHECK(vocabulary.is_continuation(vocabulary.find("##ing")));
  CHECK_FALSE(vocabulary.is_continuation(vocabulary.find("the")));
}

TEST_CASE("vocabulary: damaged tables are refused by line", "[text][fast]") {
  const Tokens good{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  auto repeated = good;
  repeated.insert(repeated.end(), {"a", "b", "a"});
  mgca::test::expect_error([&] { mgca::Vocabulary(repeated, "v.txt"); }, {"v.txt", "line 8", "line 6"});
  auto hole = good;
  hole.insert(hole.end(), {"a", "", "b"});
  mgca::test::expect_error([&] { mgca::Vocabulary(hole, "v.txt"); }, {"line 7", "empty"});
  mgca::test::expect_error([&] { mgca::Vocabulary(Tokens{"[PAD]", "[UNK]", "[CLS]", "[MASK]"}, "v.txt"); }, {"[SEP]", "missing"});
  mgca::test::expect_error([] { (void)mgca::Vocabulary::read("/no/such/vocab.txt"); }, {"/no/such/vocab.txt"});
}

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

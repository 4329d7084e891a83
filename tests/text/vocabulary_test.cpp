#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"
#include "vocabulary.hpp"

#include <mgca/text/vocabulary.hpp>

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
  auto broken = good;
  broken.push_back("a\r");
  mgca::test::expect_error([&] { mgca::Vocabulary(broken, "v.txt"); }, {"line 6", "line end"});
  mgca::test::expect_error([&] { mgca::Vocabulary(Tokens{"[PAD]", "[UNK]", "[CLS]", "[MASK]"}, "v.txt"); }, {"[SEP]", "missing"});
  mgca::test::expect_error([] { (void)mgca::Vocabulary::read("/no/such/vocab.txt"); }, {"/no/such/vocab.txt"});
}

TEST_CASE("vocabulary: a file is read as it was written, whatever its line ends", "[text][fast]") {
  const mgca::test::Scratch scratch;
  const Tokens tokens{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b", "\xC3\xA9"};
  for (const std::string end : {"\n", "\r\n"}) {
    std::string text;
    for (const auto& token : tokens) text += token + end;
    std::ofstream(scratch / "v.txt", std::ios::binary) << text;
    const auto vocabulary = mgca::Vocabulary::read(scratch / "v.txt");
    CHECK(vocabulary.tokens() == tokens);
    CHECK(vocabulary.content_hash() == mgca::Vocabulary(tokens).content_hash());
    for (std::int32_t id = 0; id < vocabulary.size(); ++id) CHECK(vocabulary.find(vocabulary.token(id)) == id);
  }
  mgca::test::expect_error([&] { (void)mgca::Vocabulary(tokens).token(8); }, {"id 8", "0 .. 7"});
  mgca::test::expect_error([&] { (void)mgca::Vocabulary(tokens).token(-1); }, {"id -1"});
}

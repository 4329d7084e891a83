#include "catch.hpp"
#include "expect_error.hpp"
#include "vocabulary.hpp"

#include <mgca/data/synthetic.hpp>
#include <mgca/feed/study_source.hpp>
#include <mgca/feed/tokens.hpp>

#include <numeric>

TEST_CASE("tokens: reports become what a data set's batches hold, in both profiles", "[feed][fast]") {
  const mgca::SyntheticStudies studies({.count = 6, .seed = 2});
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 24});
  std::vector<std::string> reports;
  std::vector<int64_t> all(6);
  std::iota(all.begin(), all.end(), 0);
  for (const auto i : all) reports.push_back(studies.record(i).report);
  for (const auto profile : {mgca::Profile::official, mgca::Profile::fixed}) {
    const mgca::StudySource<mgca::SyntheticStudies> source(studies, tokenizer, {.stored_side = 40, .augmentation = {.crop = 32}, .padding = mgca::Padding::full, .profile = profile});
    const auto expected = source.batch(all, {}).tokens, found = mgca::tokens_of(reports, tokenizer, profile);
    CHECK(torch::equal(found.ids, expected.ids));
    CHECK(torch::equal(found.mask, expected.mask));
    CHECK(torch::equal(found.word_slot, expected.word_slot));
    CHECK(torch::equal(found.words, expected.words));
  }
}

TEST_CASE("tokens: a phrase of one word is read as in a report", "[feed][fast]") {
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 24});
  const std::vector<std::string> one{"Edema."}, sentence{"There is edema."};
  const auto phrase = mgca::tokens_of_phrases(one, tokenizer, mgca::Profile::fixed), report = mgca::tokens_of(sentence, tokenizer, mgca::Profile::fixed);
  REQUIRE(torch::equal(phrase.mask.sum(), torch::tensor(int64_t{4})));  // [CLS] ed ##ema [SEP]
  CHECK(torch::equal(phrase.ids.slice(1, 1, 3), report.ids.slice(1, 3, 5)));
  mgca::test::expect_error([&] { (void)mgca::tokens_of(one, tokenizer, mgca::Profile::fixed); }, {"report 1 holds no word"});
  mgca::test::expect_error([&] { (void)mgca::tokens_of_phrases(std::vector<std::string>{"?"}, tokenizer, mgca::Profile::fixed); }, {"phrase 1 holds no word"});
}

TEST_CASE("tokens: a report without a word or outside UTF-8 is refused by its number, its text never shown", "[feed][fast]") {
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.length = 24});
  const std::vector<std::string> empty{"The heart is large.", " ."}, broken{"canary \xFF"};
  mgca::test::expect_error([&] { (void)mgca::tokens_of(empty, tokenizer, mgca::Profile::fixed); }, {"report 2 holds no word"});
  try {
    (void)mgca::tokens_of(broken, tokenizer, mgca::Profile::fixed);
    FAIL("not refused");
  } catch (const mgca::Error& error) {
    const std::string what = error.what();
    CHECK(what.find("report 1: ") != std::string::npos);
    CHECK(what.find("canary") == std::string::npos);
  }
  CHECK(mgca::tokens_of({}, tokenizer, mgca::Profile::fixed).ids.sizes() == at::IntArrayRef({0, 24}));
}

#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"
#include "vocabulary.hpp"

#include <mgca/core/random.hpp>
#include <mgca/text/wordpiece.hpp>

#include <nlohmann/json.hpp>

#include <fstream>

using mgca::test::bert_vocabulary;

namespace {
nlohmann::json sentences() {
  std::ifstream file(mgca::test::golden_dir() / "tokenizer" / "sentences.json");
  return nlohmann::json::parse(file);
}
std::vector<int32_t> used(const mgca::TokenRow& row) { return {row.ids.begin(), row.ids.begin() + row.used}; }
}  // namespace

TEST_CASE("wordpiece: ids equal the reference tokenizer's on every golden sentence", "[text][golden][fast]") {
  const mgca::WordPiece full(bert_vocabulary(), {.length = 112});
  const mgca::WordPiece brief(bert_vocabulary(), {.length = 16});
  int count = 0;
  for (const auto& item : sentences()) {
    const auto text = item["text"].get<std::string>();
    INFO("sentence " << count++ << ": " << text);
    std::vector<std::string> tokens;
    for (const auto id : full.pieces(text)) tokens.push_back(full.vocabulary().token(id));
    CHECK(tokens == item["tokens"].get<std::vector<std::string>>());
    CHECK(used(full.encode(text)) == item["ids_112"].get<std::vector<int32_t>>());
    CHECK(used(brief.encode(text)) == item["ids_16"].get<std::vector<int32_t>>());
  }
  CHECK(count == 60);
}

TEST_CASE("wordpiece: ids equal the reference tokenizer's on every class of characters, lower-case and cased", "[text][golden][fast]") {
  std::ifstream file(std::filesystem::path(MGCA_TESTS_DIR) / "text" / "characters.json");
  const auto document = nlohmann::json::parse(file);
  const mgca::Vocabulary vocabulary(document["vocabulary"].get<std::vector<std::string>>());
  for (const bool lower : {true, false}) {
    const std::string mode = lower ? "lower" : "cased";
    const mgca::WordPiece tokenizer(vocabulary, {.length = 5, .lower_case = lower});
    for (const auto& item : document["cases"]) {
      INFO(mode << ": " << item["name"].get<std::string>());
      const auto text = item["text"].get<std::string>();
      CHECK(tokenizer.pieces(text) == item[mode].get<std::vector<int32_t>>());
      CHECK(used(tokenizer.encode(text)) == item[mode + "_5"].get<std::vector<int32_t>>());
    }
  }
  CHECK(document["cases"].size() == 25);
}

TEST_CASE("wordpiece: half a million marks on one letter are read in linear time", "[text][fast]") {
  std::string text = "a";
  for (int i = 0; i < 250'000; ++i) text += "\xCC\x81\xCC\x96";  // U+0301 and U+0316: each pair in the wrong order
  const mgca::WordPiece tokenizer(bert_vocabulary(), {.length = 8});
  CHECK(tokenizer.encode(text).used == 3);
}

TEST_CASE("wordpiece: a row always has the configured length, whatever the bytes", "[text][fast]") {
  const mgca::WordPiece tokenizer(bert_vocabulary(), {.length = 24});
  for (uint64_t i = 0; i < 4000; ++i) {
    mgca::RandomStream random({.seed = 7, .sample = i}, mgca::Use::test);
    std::string text(random.below(60), '\0');
    for (auto& c : text) c = static_cast<char>(random.below(i % 2 == 0 ? 256 : 128));
    const auto row = tokenizer.encode(text, mgca::text::InvalidUtf8::replace);
    REQUIRE(row.ids.size() == 24);
    REQUIRE(row.used >= 2);
    REQUIRE(row.used <= 24);
    for (const auto id : row.ids) REQUIRE((id >= 0 && id < bert_vocabulary().size()));
  }
}

TEST_CASE("wordpiece: bytes that are not UTF-8 are an error that shows no text", "[text][fast]") {
  const mgca::WordPiece tokenizer(bert_vocabulary());
  const std::string report = "canaryword \xB0 mm";
  mgca::test::expect_error([&] { (void)tokenizer.encode(report); }, {"byte 11", "UTF-8", "replace"});
  try {
    (void)tokenizer.encode(report);
  } catch (const mgca::Error& error) {
    CHECK(std::string(error.what()).find("canaryword") == std::string::npos);
  }
}

TEST_CASE("wordpiece: a length without room for text is refused", "[text][fast]") {
  mgca::test::expect_error([] { mgca::WordPiece(bert_vocabulary(), {.length = 1}); }, {"length", "1"});
}

TEST_CASE("wordpiece: plain ASCII takes a way of its own to the same pieces", "[text][fast]") {
  mgca::RandomStream random({.seed = 9}, mgca::Use::test);
  constexpr std::string_view letters = "heartlung HL.,_19-#[]\n\t\r~";
  for (const bool lower_case : {true, false}) {
    const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary(), {.lower_case = lower_case, .max_word_length = 12});
    for (int k = 0; k < 1000; ++k) {
      std::string text;
      for (auto length = random.below(50); length > 0; --length) text += random.below(4) == 0 ? static_cast<char>(32 + random.below(95)) : letters[random.below(letters.size())];
      CHECK(tokenizer.pieces(text) == tokenizer.pieces(text + " \u200b"));  // which vanishes
    }
  }
}

#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"
#include "vocabulary.hpp"

#include <mgca/core/random.hpp>
#include <mgca/text/caption.hpp>
#include <mgca/text/wordpiece.hpp>

#include <nlohmann/json.hpp>

#include <fstream>

TEST_CASE("caption: cleaning equals the reference on every golden report", "[text][golden][fast]") {
  std::ifstream file(mgca::test::golden_dir() / "captions" / "reports.json");
  const mgca::WordPiece tokenizer(mgca::test::bert_vocabulary());
  int count = 0;
  for (const auto& report : nlohmann::json::parse(file)) {
    const auto impression = report["impression"].get<std::string>();
    const auto findings = report["findings"].get<std::string>();
    INFO("report " << count++);
    const auto caption = mgca::text::clean_caption({.impression = impression, .findings = findings});
    CHECK(caption.usable() == report["kept"].get<bool>());
    if (!caption.usable()) continue;
    CHECK(caption.sentences == report["sentences"].get<std::vector<std::string>>());
    CHECK(caption.joined() == report["joined"].get<std::string>());
    const auto row = tokenizer.encode(caption.joined());
    CHECK(row.used == report["cap_len"].get<int64_t>());
    CHECK(std::vector<int32_t>(row.ids.begin(), row.ids.begin() + row.used) == report["ids"].get<std::vector<int32_t>>());
  }
  CHECK(count > 5);
}

TEST_CASE("caption: cleaning a cleaned sentence changes nothing", "[text][fast]") {
  const auto once = mgca::text::clean_caption({.impression = "Mild EDEMA, with 2 effusions. Heart size: normal", .findings = ""});
  REQUIRE(once.sentences.size() == 2);
  for (const auto& sentence : once.sentences) {
    const auto again = mgca::text::clean_caption({.impression = sentence, .findings = ""});
    CHECK(again.sentences == std::vector<std::string>{sentence});
  }
}

TEST_CASE("caption: characters outside ASCII split or vanish as in Python's words", "[text][golden][fast]") {
  const auto sentences = [](std::string_view text) { return mgca::text::clean_caption({.impression = text, .findings = ""}).sentences; };
  using List = std::vector<std::string>;
  CHECK(sentences("İki ab") == List{"i ki ab"});                  // its lower case is i and a dot that is no letter
  CHECK(sentences("5 \xE2\x84\xAA lvin") == List{"5 k lvin"});    // U+212A, the kelvin sign
  CHECK(sentences("cafe\xCC\x81s na\xC3\xAFve x\xC2\xB2") == List{"cafe s nave x"});
  CHECK(sentences("a\xEF\xBF\xBD\xEF\xBF\xBD" "b\xEF\xBF\xBD" "c") == List{"a b c"});
  CHECK(sentences("\xCE\xBB \xCE\xBC. \xC2\xBD \xD9\xA3") == List{});      // counted as words, nothing is left of them
  CHECK(sentences("4.5 cm 12. x y\xD9\xA3.z z") == List{"5 cm", "x y", "z z"});  // only ASCII digits go with their period
}

TEST_CASE("caption: text that is not UTF-8 is refused without being shown", "[text][fast]") {
  mgca::test::expect_error([] { (void)mgca::text::clean_caption({.impression = "secret \xFF", .findings = ""}); }, {"byte 7", "UTF-8"});
}

TEST_CASE("caption: ASCII text takes a way of its own to the same sentences", "[text][fast]") {
  mgca::RandomStream random({.seed = 9}, mgca::Use::test);
  constexpr std::string_view letters = "aZ_19 \n.,-\"\t\r\x01";
  for (int k = 0; k < 2000; ++k) {
    std::string text[2];
    for (auto& one : text) {
      for (auto length = random.below(40); length > 0; --length) one += random.below(4) == 0 ? static_cast<char>(random.below(128)) : letters[random.below(letters.size())];
    }
    const auto plain = mgca::text::clean_caption({.impression = text[0], .findings = text[1] + "."});
    const auto general = mgca::text::clean_caption({.impression = text[0], .findings = text[1] + ".\u00e9"});  // a sentence of one word vanishes
    CHECK(plain.sentences == general.sentences);
    CHECK(plain.tokens == general.tokens);
  }
}

TEST_CASE("clean_phrase: words as in a report, a single one too", "[text][fast]") {
  CHECK(mgca::text::clean_phrase("Pneumothorax") == "pneumothorax");
  CHECK(mgca::text::clean_phrase(" No  pleural\neffusion, 3. ") == "no pleural effusion 3");
  CHECK(mgca::text::clean_phrase("\xC3\x96" "dem \xF0\x9F\xAB\x81") == "dem");  // as a report's letters beyond ASCII
  CHECK(mgca::text::clean_phrase("...").empty());
  CHECK_THROWS_AS(mgca::text::clean_phrase("\xFF"), mgca::Error);
}

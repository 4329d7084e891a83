#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"
#include "vocabulary.hpp"

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

TEST_CASE("caption: text that is not UTF-8 is refused without being shown", "[text][fast]") {
  mgca::test::expect_error([] { (void)mgca::text::clean_caption({.impression = "secret \xFF", .findings = ""}); }, {"byte 7", "UTF-8"});
}

#include "catch.hpp"
#include "paths.hpp"

#include <mgca/text/detail/section_rules.hpp>
#include <mgca/text/report_sections.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <fstream>
#include <set>

using mgca::text::section_report;
using mgca::text::split_sections;
using List = std::vector<std::string>;

namespace {

List names(std::string_view text) {
  List names;
  for (const auto& section : split_sections(text)) names.push_back(section.name);
  return names;
}

List bodies(std::string_view text) {
  List bodies;
  for (const auto& section : split_sections(text)) bodies.emplace_back(section.body);
  return bodies;
}

std::string name_of(const std::string& header) { return split_sections("\n " + header + ": body").back().name; }

}  // namespace

TEST_CASE("report sections: sections, single text and table row equal the reference on every golden report", "[text][golden][fast]") {
  std::ifstream file(mgca::test::golden_dir() / "sections" / "reports.json");
  int count = 0;
  for (const auto& report : nlohmann::json::parse(file)) {
    const auto study = report["study"].get<std::string>(), text = report["text"].get<std::string>();
    INFO(study);
    ++count;
    CHECK(names(text) == report["names"].get<List>());
    CHECK(bodies(text) == report["sections"].get<List>());
    std::vector<std::int64_t> begins;
    for (const auto& section : split_sections(text)) begins.push_back(section.begin);
    CHECK(begins == report["index"].get<std::vector<std::int64_t>>());
    const auto cut = section_report(study, text);
    CHECK(cut.single_text == report["single_text"].get<std::string>());
    REQUIRE(cut.row.has_value() != report["csv"].is_null());
    if (!cut.row) continue;
    CHECK(cut.row->impression == report["csv"]["impression"].get<std::string>());
    CHECK(cut.row->findings == report["csv"]["findings"].get<std::string>());
    CHECK(cut.row->last_paragraph == report["csv"]["last_paragraph"].get<std::string>());
    CHECK(cut.row->comparison == report["csv"]["comparison"].get<std::string>());
  }
  CHECK(count > 10);
}

TEST_CASE("report sections: a header is a line's start, one blank, capitals and signs, a colon and white space", "[text][fast]") {
  CHECK(names("\n TECHNIQUE: a\n DATE: b") == List{"preamble", "technique", "date"});
  CHECK(names("\n  TECHNIQUE: a") == List{"preamble", "technique"});  // blanks may belong to the name
  CHECK(names("\n   : x") == List{"preamble", ""});  // or be all of it
  CHECK(names("\n A (B), C/D-E:\tx") == List{"preamble", "a (b), c/d-e"});
  CHECK(names("\n DATE:\xC2\xA0x\n NOTE:\xE2\x80\x83y\n PFI:\xC2\x85z") == List{"preamble", "date", "note", "history"});
  for (const std::string text : {"\nTECHNIQUE: a", "TECHNIQUE: a", " DATE: a", "\n Date: a", "\n DATE:a", "\n DATE1: a", "\n DATE a",
                                 "\n : a", "\n DATE:", "\n DATE:\xA0x", "\n \xC3\x84: a"}) {
    INFO(text);
    CHECK(names(text) == List{"full report"});
  }
}

TEST_CASE("report sections: a second header on a line, or on the line after an empty header, is text", "[text][fast]") {
  CHECK(bodies("\n NOTE: a\n DATE: b") == List{"\n ", "a", "b"});
  CHECK(bodies("\n NOTE:\n DATE: b\n PFI: c") == List{"\n ", " DATE: b", "c"});
  CHECK(bodies("\n NOTE: DATE: b") == List{"\n ", "DATE: b"});
}

TEST_CASE("report sections: names are looked up, else found inside the header, else kept", "[text][fast]") {
  CHECK(name_of("CONCLUSION") == "impression");
  CHECK(name_of("CHEST, TWO VIEWS") == "findings");
  CHECK(name_of("FINDINGS AND IMPRESSION") == "impression");
  CHECK(name_of("NDICATION") == "impression");  // the published table's own slip
  CHECK(name_of("IMPRESSION AND FINDINGS") == "impression");
  CHECK(name_of("ADDENDUM TO HISTORY") == "history");  // the order of names decides, not that of words
  CHECK(name_of("SEMI-UPRIGHT PORTABLE FILM") == "findings");
  CHECK(name_of("WETREAD") == "wet read");
  CHECK(name_of("RECOMMENDATION(S)") == "recommendations");
  CHECK(name_of("  TYPE OF EXAMINATION ") == "examination");
  CHECK(name_of("SUMMARY") == "summary");
}

TEST_CASE("report sections: every alias has one meaning that stays, every word is lower case, every study one rule", "[text][fast]") {
  namespace rules = mgca::text::detail;
  std::set<std::string_view> headers;
  for (const auto& alias : rules::kSectionAliases) {
    INFO(alias.header);
    CHECK(headers.insert(alias.header).second);
    CHECK(rules::section_name(alias.name) == alias.name);
    CHECK(alias.header.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos);
  }
  CHECK(headers.size() == 44);
  std::set<std::uint32_t> studies;
  std::int64_t by_name = 0, nothing = 0, characters = 0;
  for (const auto& rule : rules::kStudyRules) {
    CHECK(studies.insert(rule.study).second);
    CHECK((rule.study >= 50000000 && rule.study < 60000000 && rule.end >= rule.begin));
    by_name += rule.section.empty() ? 0 : 1;
    nothing += rule.section.empty() && rule.end == 0 ? 1 : 0;
    characters += rule.end - rule.begin;
  }
  CHECK(by_name == 23);
  CHECK(nothing == 8);
  CHECK(characters == 7261);
}

TEST_CASE("report sections: the studies with rules of their own have a single text and no row", "[text][fast]") {
  const std::string text = "\n HISTORY: first\n HISTORY: second \n IMPRESSION: x";
  CHECK(section_report("s51491012", text).single_text == "second");
  CHECK_FALSE(section_report("s51491012", text).row);
  CHECK(section_report("s51491012", "no header").single_text.empty());
  std::string umlauts;
  for (int i = 0; i < 200; ++i) umlauts += i == 59 ? "<" : "\xC3\xA4";
  const auto cut = section_report("s56579911", umlauts).single_text;  // characters 59 to 218 of 200, not bytes
  CHECK(cut.substr(0, 3) == "<\xC3\xA4");
  CHECK(cut.size() == 1 + 2 * 140);
  CHECK(section_report("s58235663", text).single_text.empty());
  for (const std::string study : {"s50000000", "51491012", "s051491012", "s5149101", "p51491012", "s51491012.txt", "", "s5149101x"}) {
    INFO(study);
    CHECK(section_report(study, text).row.has_value());
  }
}

TEST_CASE("report sections: white space of any kind is no text", "[text][fast]") {
  const auto row = section_report("s1", "\n IMPRESSION: \xC2\xA0\xE2\x80\xA8\x1C \n FINDINGS: \xE3\x80\x80lungs\xC2\x85\n").row.value();
  CHECK(row.impression.empty());
  CHECK(row.findings == "lungs");
  CHECK(section_report("s1", "\n FINDINGS: \x85\n").row->findings == "\x85");  // a byte that is not UTF-8 is no white space
  CHECK(section_report("s1", "").row->findings.empty());
  CHECK(names("") == List{"full report"});
}

TEST_CASE("report sections: a file's line ends become newlines, its damaged bytes replacement characters", "[text][fast]") {
  using mgca::text::report_text;
  CHECK(report_text("a\r\nb\rc\n\r\r\n") == "a\nb\nc\n\n\n");
  CHECK(report_text("caf\xE9 \xC3\xA9") == "caf\xEF\xBF\xBD \xC3\xA9");
  CHECK(report_text("").empty());
  const auto text = report_text(" FINAL REPORT\r\n FINDINGS:\r\n \r\n Clear.\r\n IMPRESSION: Normal.\r\n");
  const auto row = section_report("s1", text).row.value();
  CHECK(row.findings == "Clear.");
  CHECK(row.impression == "Normal.");
}

TEST_CASE("report sections: text made of what resembles headers takes linear time", "[text][fast]") {
  for (const std::string unit : {"\n ", "\n A: b", "\n A", " A/B-C", "\n  \n", "\n \n", "\xE2\x80\x83", "\n IMPRESSION: ", "\xE2\x80"}) {
    std::string text;
    while (text.size() < 20'000) text += unit;
    const auto start = std::chrono::steady_clock::now();
    const auto sections = split_sections(text);
    (void)section_report("s1", text);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    INFO(unit);
    CHECK_FALSE(sections.empty());
    CHECK(took.count() < 4);  // without optimisation, under the sanitizers: below 1
  }
}

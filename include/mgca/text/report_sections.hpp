// Free-text radiology reports to their sections, exactly as the reference cuts the reports of MIMIC-CXR.
// A header is a line's start (a newline, one blank), capitals and a few signs, a colon and a white-space character.
// Reference: MIT-LCP/mimic-cxr, section_parser and create_section_files.
#pragma once

#include <mgca/core/utf8.hpp>
#include <mgca/text/detail/section_rules.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

struct ReportSection {
  std::string name;        // "preamble", "impression", "last_paragraph", ...; "full report" where there is no header, "" where it is blank
  std::string_view body;   // of the text that was cut
  std::int64_t begin = 0;  // characters of the text before the body; before a last paragraph's separator
};

// One report's row of the sectioned table: parts of its text, without surrounding white space, empty where there is none.
struct SectionRow {
  std::string_view impression, findings, last_paragraph, comparison;
};

struct SectionedReport {
  std::string_view single_text;   // the one section that says most
  std::optional<SectionRow> row;  // none for the 54 studies of MIMIC-CXR that are cut by a rule of their own
};

}  // namespace mgca

namespace mgca::text {

namespace detail {

// Bytes of the character at `at` that Python's `\s` and `strip` take for white space; 0 for any other.
[[nodiscard]] constexpr std::size_t space_length(std::string_view text, std::size_t at) {
  if (at >= text.size()) return 0;
  const auto c = static_cast<unsigned char>(text[at]);
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c <= 31) ? 1 : 0;
  const auto two = text.substr(at, 2), three = text.substr(at, 3);
  if (two == "\xC2\x85" || two == "\xC2\xA0") return 2;
  if (three.size() < 3) return 0;
  const auto last = static_cast<unsigned char>(three[2]);
  const bool general = two == "\xE2\x80" && ((last >= 0x80 && last <= 0x8A) || last == 0xA8 || last == 0xA9 || last == 0xAF);
  return general || three == "\xE1\x9A\x80" || three == "\xE2\x81\x9F" || three == "\xE3\x80\x80" ? 3 : 0;
}

[[nodiscard]] constexpr std::string_view stripped(std::string_view text) {
  while (const auto length = space_length(text, 0)) text.remove_prefix(length);
  for (std::size_t length = 1; length <= 3 && length <= text.size();) {
    const bool space = space_length(text, text.size() - length) == length;
    if (space) text.remove_suffix(length);
    length = space ? 1 : length + 1;
  }
  return text;
}

// Characters of a text; a byte that belongs to none counts as one.
[[nodiscard]] constexpr std::int64_t characters(std::string_view text) {
  std::int64_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) at += std::max<std::size_t>(1, utf8_length(text, at));
  return count;
}

// The bytes of characters [begin, end), as far as there are any.
[[nodiscard]] constexpr std::string_view character_range(std::string_view text, std::int64_t begin, std::int64_t end) {
  std::size_t at = 0, from = text.size();
  std::int64_t index = 0;
  for (; at < text.size() && index < end; ++index) {
    if (index == begin) from = at;
    at += std::max<std::size_t>(1, utf8_length(text, at));
  }
  return from < at ? text.substr(from, at - from) : std::string_view();
}

struct SectionHeader {
  std::size_t line, name, colon, body;  // bytes before its newline, its name, its colon and what follows it
};

// The first header whose newline is at or after `from`.
[[nodiscard]] constexpr std::optional<SectionHeader> find_header(std::string_view text, std::size_t from) {
  constexpr std::string_view signs = " ()/,-";
  for (auto line = text.find("\n ", from); line != std::string_view::npos; line = text.find("\n ", line + 1)) {
    const std::size_t name = line + 2;
    std::size_t at = name;
    while (at < text.size() && ((text[at] >= 'A' && text[at] <= 'Z') || signs.find(text[at]) != std::string_view::npos)) ++at;
    if (at == name || at >= text.size() || text[at] != ':') continue;
    const auto space = space_length(text, at + 1);
    if (space > 0) return SectionHeader{.line = line, .name = name, .colon = at, .body = at + 1 + space};
  }
  return std::nullopt;
}

[[nodiscard]] inline std::string header_name(std::string_view header) {
  std::string lower(stripped(header));
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::string(section_name(lower));
}

// The last section of a name, without surrounding white space; nothing where there is none.
[[nodiscard]] inline std::optional<std::string_view> last_of(const std::vector<ReportSection>& sections, std::string_view name) {
  const auto found = std::find_if(sections.rbegin(), sections.rend(), [&](const ReportSection& section) { return section.name == name; });
  return found == sections.rend() ? std::nullopt : std::optional(stripped(found->body));
}

}  // namespace detail

// A report file's bytes as Python reads text: line ends become newlines; a byte that is not UTF-8 becomes U+FFFD.
[[nodiscard]] inline std::string report_text(std::string_view bytes) {
  std::string text = first_invalid_utf8(bytes) == bytes.size() ? std::string(bytes) : replaced_invalid_utf8(bytes);
  std::size_t out = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool carriage = text[at] == '\r';
    if (carriage && at + 1 < text.size() && text[at + 1] == '\n') ++at;
    text[out++] = carriage ? '\n' : text[at];
  }
  text.resize(out);
  return text;
}

// The sections in their order, never none; their bodies live as long as the text. Headers that mean the same have one name; impressions
// and findings without text are left out; a report with neither gives its last section's later paragraphs as `last_paragraph`.
// Any bytes will do; the time is linear in their number.
[[nodiscard]] inline std::vector<ReportSection> split_sections(std::string_view text) {
  std::vector<ReportSection> sections;
  auto header = detail::find_header(text, 0);
  sections.push_back({.name = header ? "preamble" : "full report", .body = text.substr(0, header ? header->name : text.size())});
  std::size_t counted = 0;
  std::int64_t begin = 0;
  while (header) {
    begin += detail::characters(text.substr(counted, header->body - counted));
    counted = header->body;
    // The next header is looked for from the end of this line on.
    const auto newline = text.find('\n', header->body);
    const auto next = newline == std::string_view::npos ? std::nullopt : detail::find_header(text, newline);
    const auto end = next ? next->line : text.size();
    sections.push_back({.name = detail::header_name(text.substr(header->name, header->colon - header->name)),
                        .body = text.substr(header->body, end - header->body),
                        .begin = begin});
    header = next;
  }
  const auto main = [](const ReportSection& section) { return section.name == "impression" || section.name == "findings"; };
  std::erase_if(sections, [&](const ReportSection& section) { return main(section) && detail::stripped(section.body).empty(); });
  if (std::any_of(sections.begin(), sections.end(), main)) return sections;
  constexpr std::string_view blank_line = "\n \n";
  auto& last = sections.back();
  if (const auto cut = last.body.find(blank_line); cut != std::string_view::npos) {
    const auto rest = last.body.substr(cut + blank_line.size());
    last.body = last.body.substr(0, cut);
    sections.push_back({.name = "last_paragraph", .body = rest, .begin = last.begin + detail::characters(last.body)});
  }
  return sections;
}

// A report's row of the sectioned table and its single text, both parts of `text`. `study` is its name, as s50414267: 54 studies
// of MIMIC-CXR, whose reports have no usual header, have only a single text.
[[nodiscard]] inline SectionedReport section_report(std::string_view study, std::string_view text) {
  const auto rule = detail::study_rule(study);
  if (rule && rule->section.empty()) return {.single_text = detail::character_range(text, rule->begin, rule->end), .row = std::nullopt};
  const auto sections = split_sections(text);
  const auto last = [&](std::string_view name) { return detail::last_of(sections, name); };
  if (rule) return {.single_text = last(rule->section).value_or(""), .row = std::nullopt};
  const auto impression = last("impression"), findings = last("findings");
  const auto paragraph = last("last_paragraph"), comparison = last("comparison");
  const auto first = impression ? impression : findings ? findings : paragraph ? paragraph : comparison;
  return {.single_text = first.value_or(""),
          .row = SectionRow{.impression = impression.value_or(""),
                            .findings = findings.value_or(""),
                            .last_paragraph = paragraph.value_or(""),
                            .comparison = comparison.value_or("")}};
}

}  // namespace mgca::text

// The tables of section extraction: what headers mean, and the studies whose text is cut by hand.
// Reference: MIT-LCP/mimic-cxr, section_parser and create_section_files; facts restated.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace mgca::text::detail {

struct SectionAlias {
  std::string_view header, name;
};

// Looked up before anything else. Headers that are names already (technique, history, ...) need no entry.
inline constexpr auto kSectionAliases = std::to_array<SectionAlias>({
    {"conclusion", "impression"},
    {"findings and impression", "impression"},
    {"findings/impression", "impression"},
    {"findings/ impression", "impression"},
    {"impresson", "impression"},
    {"imprression", "impression"},
    {"imoression", "impression"},
    {"impressoin", "impression"},
    {"imprssion", "impression"},
    {"impresion", "impression"},
    {"imperssion", "impression"},
    {"mpression", "impression"},
    {"impession", "impression"},
    {"ndication", "impression"},  // as published
    {"chest, two views", "findings"},
    {"finding", "findings"},
    {"findins", "findings"},
    {"findindgs", "findings"},
    {"findgings", "findings"},
    {"findngs", "findings"},
    {"findnings", "findings"},
    {"finidngs", "findings"},
    {"reference findings", "findings"},
    {"reason for examination", "indication"},
    {"reason for exam", "indication"},
    {"clinical indication", "indication"},
    {"idication", "indication"},
    {"clinical history", "history"},
    {"clinical information", "history"},
    {"patient history", "history"},
    {"pfi", "history"},
    {"comparisons", "comparison"},
    {"reference exam", "comparison"},
    {"comparison exam", "comparison"},
    {"comparison film", "comparison"},
    {"comparision", "comparison"},
    {"comparsion", "comparison"},
    {"comparrison", "comparison"},
    {"comparisions", "comparison"},
    {"exam", "examination"},
    {"type of examination", "examination"},
    {"wetread", "wet read"},
    {"recommendation(s)", "recommendations"},
    {"recommendation", "recommendations"},
});

// Otherwise the first of these that the header contains is its name.
inline constexpr auto kMainSections = std::to_array<std::string_view>({"impression", "findings", "history", "comparison", "addendum"});

// Otherwise a header that describes the whole examination heads the findings.
inline constexpr auto kExaminationWords = std::to_array<std::string_view>(
    {"chest", "portable", "pa and lateral", "lateral and pa", "ap and lateral", "lateral and ap", "frontal and", "two views",
     "frontal view", "pa view", "ap view", "one view", "lateral view", "bone window", "frontal upright", "frontal semi-upright", "ribs",
     "pa and lat"});

// `header`: lower case, stripped.
[[nodiscard]] constexpr std::string_view section_name(std::string_view header) {
  const auto contained = [&](std::string_view word) { return header.find(word) != std::string_view::npos; };
  for (const auto& alias : kSectionAliases) {
    if (alias.header == header) return alias.name;
  }
  if (const auto main = std::find_if(kMainSections.begin(), kMainSections.end(), contained); main != kMainSections.end()) return *main;
  return std::any_of(kExaminationWords.begin(), kExaminationWords.end(), contained) ? "findings" : header;
}

// A study whose text is one section by name, or characters [begin, end); equal ends: nothing is usable.
struct StudyRule {
  std::uint32_t study;
  std::string_view section;
  std::int64_t begin = 0, end = 0;
};

inline constexpr auto kStudyRules = std::to_array<StudyRule>({
    {50913680, "recommendations"}, {59363654, "examination"},     {59279892, "technique"},       {59768032, "recommendations"},
    {57936451, "indication"},      {50058765, "indication"},      {53356173, "examination"},     {53202765, "technique"},
    {50808053, "technique"},       {51966317, "indication"},      {50743547, "examination"},     {56451190, "note"},
    {59067458, "recommendations"}, {59215320, "examination"},     {55124749, "indication"},      {54365831, "indication"},
    {59087630, "recommendations"}, {58157373, "recommendations"}, {56482935, "recommendations"}, {58375018, "recommendations"},
    {54654948, "indication"},      {55157853, "examination"},     {51491012, "history"},
    {50525523, "", 201, 349},      {57564132, "", 233, 554},      {59982525, "", 313, 717},      {53488209, "", 149, 475},
    {54875119, "", 234, 988},      {50196495, "", 59, 399},       {56579911, "", 59, 218},       {52648681, "", 292, 631},
    {59889364, "", 172, 453},      {53514462, "", 73, 377},       {59505494, "", 59, 450},       {53182247, "", 59, 412},
    {51410602, "", 47, 320},       {56412866, "", 522, 822},      {54986978, "", 59, 306},       {59003148, "", 262, 505},
    {57150433, "", 61, 394},       {56760320, "", 219, 457},      {59562049, "", 158, 348},      {52674888, "", 145, 296},
    {55258338, "", 192, 568},      {59330497, "", 140, 655},      {52119491, "", 179, 454},      {58235663, ""},
    {50798377, ""},                {54168089, ""},                {53071062, ""},                {56724958, ""},
    {54231141, ""},                {53607029, ""},                {52035334, ""},
});
static_assert(kStudyRules.size() == 54);

// The rule of a study, by its name: `s` and eight digits.
[[nodiscard]] inline std::optional<StudyRule> study_rule(std::string_view study) {
  std::uint32_t number = 0;
  if (study.size() != 9 || study.front() != 's') return std::nullopt;
  const auto [end, code] = std::from_chars(study.data() + 1, study.data() + 9, number);
  if (code != std::errc() || end != study.data() + 9) return std::nullopt;
  const auto found = std::find_if(kStudyRules.begin(), kStudyRules.end(), [&](const StudyRule& rule) { return rule.study == number; });
  return found == kStudyRules.end() ? std::nullopt : std::optional(*found);
}

}  // namespace mgca::text::detail

// Report sections to cleaned sentences, exactly as the reference prepares its captions.
// Sentences end at periods and at "1."-like enumerations; tokens are runs of word characters, lower-case, ASCII only.
#pragma once

#include <mgca/text/unicode.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::text {

struct Caption {
  std::vector<std::string> sentences;
  std::int64_t tokens = 0;

  // A report with fewer than three tokens says too little to learn from.
  [[nodiscard]] bool usable() const { return tokens >= 3; }
  [[nodiscard]] std::string joined() const {
    std::string all;
    for (const auto& sentence : sentences) all += (all.empty() ? "" : " ") + sentence;
    return all;
  }
};

struct ReportText {
  std::string_view impression;
  std::string_view findings;
};

namespace detail {

// Pieces between enumerations ("12.", whose digits vanish) and periods.
inline std::vector<std::vector<char32_t>> split_sentences(const std::vector<char32_t>& points) {
  std::vector<std::vector<char32_t>> pieces(1);
  for (const char32_t point : points) {
    if (point != '.') {
      pieces.back().push_back(point == '\n' ? U' ' : point);
      continue;
    }
    auto& piece = pieces.back();
    while (!piece.empty() && piece.back() >= '0' && piece.back() <= '9') piece.pop_back();
    pieces.emplace_back();
  }
  return pieces;
}

// Runs of word characters, lower-case. A pair of replacement characters is what de-identification sometimes leaves
// behind: it separates words, as every other character that is no word character.
inline std::vector<std::vector<char32_t>> word_runs(const std::vector<char32_t>& sentence) {
  std::vector<std::vector<char32_t>> runs;
  std::vector<char32_t> lowered;
  lowered.reserve(sentence.size());
  for (const char32_t point : sentence) append_lower(lowered, point);
  bool inside = false;
  for (const char32_t point : lowered) {
    const bool word = is_word_character(point);
    if (word && !inside) runs.emplace_back();
    if (word) runs.back().push_back(point);
    inside = word;
  }
  return runs;
}

}  // namespace detail

// Throws Error(data) for text that is not UTF-8.
[[nodiscard]] inline Caption clean_caption(const ReportText& report, InvalidUtf8 policy = InvalidUtf8::refuse) {
  auto points = decode_utf8(report.impression, policy);
  points.push_back(U' ');
  const auto findings = decode_utf8(report.findings, policy);
  points.insert(points.end(), findings.begin(), findings.end());
  Caption caption;
  for (const auto& piece : detail::split_sentences(points)) {
    const auto runs = detail::word_runs(piece);
    if (runs.size() <= 1) continue;  // counted before characters outside ASCII go
    std::string sentence;
    for (const auto& run : runs) {
      std::string token;
      for (const char32_t point : run) {
        if (point < 128) token += static_cast<char>(point);
      }
      if (token.empty()) continue;
      sentence += (sentence.empty() ? "" : " ") + token;
      ++caption.tokens;
    }
    if (!sentence.empty()) caption.sentences.push_back(std::move(sentence));
  }
  return caption;
}

}  // namespace mgca::text

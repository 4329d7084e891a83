// Report sections to cleaned sentences, exactly as the reference prepares its captions.
// Sentences end at periods and at "1."-like enumerations; tokens are runs of word characters, lower-case, ASCII only.
#pragma once

#include <mgca/core/utf8.hpp>
#include <mgca/text/unicode.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
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

// Adds what is ASCII of a run to a sentence; false if nothing is.
inline bool append_ascii(std::string& sentence, const std::vector<char32_t>& run) {
  std::string token;
  for (const char32_t point : run) {
    if (point < 128) token += static_cast<char>(point);
  }
  if (token.empty()) return false;
  if (!sentence.empty()) sentence += ' ';
  sentence += token;
  return true;
}

// The lower case of ASCII word characters, 0 for all others.
inline constexpr std::array<char, 128> kAsciiWord = [] {
  std::array<char, 128> table{};
  for (char c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = c;
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = table[static_cast<std::size_t>(c - 32)] = c;
  table['_'] = '_';
  return table;
}();

// Adds the sentences of ASCII text, nearly every report: the general way without code points.
inline void clean_ascii(std::string_view text, Caption& caption) {
  for (std::size_t from = 0; from < text.size();) {
    const auto period = text.find('.', from);
    auto piece = text.substr(from, std::min(period, text.size()) - from);
    from += piece.size() + 1;
    while (period != std::string_view::npos && !piece.empty() && piece.back() >= '0' && piece.back() <= '9') piece.remove_suffix(1);
    std::string sentence(piece.size(), ' ');  // never longer: what separates runs takes a character at least
    std::size_t length = 0;
    std::int64_t runs = 0;
    bool inside = false;
    for (const char c : piece) {
      const char letter = kAsciiWord[static_cast<std::size_t>(c)];
      if (letter != 0 && !inside && runs++ > 0) ++length;
      if (letter != 0) sentence[length++] = letter;
      inside = letter != 0;
    }
    if (runs <= 1) continue;
    sentence.resize(length);
    caption.tokens += runs;
    caption.sentences.push_back(std::move(sentence));
  }
}

}  // namespace detail

// Throws Error(data) for text that is not UTF-8.
[[nodiscard]] inline Caption clean_caption(const ReportText& report, InvalidUtf8 policy = InvalidUtf8::refuse) {
  if (leading_ascii(report.impression) == report.impression.size() && leading_ascii(report.findings) == report.findings.size()) {
    Caption plain;
    detail::clean_ascii(report.findings.empty() ? std::string(report.impression) : std::string(report.impression).append(" ").append(report.findings), plain);
    return plain;
  }
  auto points = decode_utf8(report.impression, policy);
  points.push_back(U' ');
  const auto findings = decode_utf8(report.findings, policy);
  points.insert(points.end(), findings.begin(), findings.end());
  Caption caption;
  for (const auto& piece : detail::split_sentences(points)) {
    const auto runs = detail::word_runs(piece);
    if (runs.size() <= 1) continue;  // counted before characters outside ASCII go
    std::string sentence;
    for (const auto& run : runs) caption.tokens += detail::append_ascii(sentence, run) ? 1 : 0;
    if (!sentence.empty()) caption.sentences.push_back(std::move(sentence));
  }
  return caption;
}

// A prompt or question in the words of a cleaned report. Unlike there nothing is dropped for being one word.
// Throws Error(data) for text that is not UTF-8.
[[nodiscard]] inline std::string clean_phrase(std::string_view phrase, InvalidUtf8 policy = InvalidUtf8::refuse) {
  std::string out;
  for (const auto& run : detail::word_runs(decode_utf8(phrase, policy))) detail::append_ascii(out, run);
  return out;
}

}  // namespace mgca::text

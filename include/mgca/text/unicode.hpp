// UTF-8 in and out, what a tokenizer asks about a character, lower case and the canonical forms.
// Categories, case and decompositions come from utf8proc (Unicode 14 or newer).
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/utf8.hpp>

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::text {

using mgca::InvalidUtf8;

// The code points of a text. Never shows the text itself in an error.
[[nodiscard]] inline std::vector<char32_t> decode_utf8(std::string_view text, InvalidUtf8 policy = InvalidUtf8::refuse) {
  std::vector<char32_t> points;
  points.reserve(text.size());
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (std::size_t at = 0; at < text.size();) {
    utf8proc_int32_t point = -1;
    const auto used = utf8proc_iterate(bytes + at, static_cast<utf8proc_ssize_t>(text.size() - at), &point);
    if (used > 0) {
      points.push_back(static_cast<char32_t>(point));
      at += static_cast<std::size_t>(used);
    } else {
      if (policy == InvalidUtf8::refuse) {
        fail(ErrorKind::data, "text: byte ", at, " of ", text.size(), " is not UTF-8; convert the file, or pass InvalidUtf8::replace");
      }
      points.push_back(U'\uFFFD');
      ++at;
    }
  }
  return points;
}

inline void append_utf8(std::string& text, char32_t point) {
  utf8proc_uint8_t bytes[4];
  const auto used = utf8proc_encode_char(static_cast<utf8proc_int32_t>(point), bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(used));
}

[[nodiscard]] inline utf8proc_category_t category(char32_t point) { return utf8proc_category(static_cast<utf8proc_int32_t>(point)); }

// Python's `\w`: underscore, or a letter or number of any kind.
[[nodiscard]] inline bool is_word_character(char32_t point) {
  if (point < 128) return (point >= '0' && point <= '9') || (point >= 'a' && point <= 'z') || (point >= 'A' && point <= 'Z') || point == '_';
  switch (category(point)) {
    case UTF8PROC_CATEGORY_LU: case UTF8PROC_CATEGORY_LL: case UTF8PROC_CATEGORY_LT: case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: case UTF8PROC_CATEGORY_ND: case UTF8PROC_CATEGORY_NL: case UTF8PROC_CATEGORY_NO: return true;
    default: return false;
  }
}

// Any punctuation category, and every ASCII character that is no letter, digit, blank or control character.
[[nodiscard]] inline bool is_punctuation(char32_t point) {
  if (point < 128) {
    return (point >= 33 && point <= 47) || (point >= 58 && point <= 64) || (point >= 91 && point <= 96) || (point >= 123 && point <= 126);
  }
  const auto kind = category(point);
  return kind >= UTF8PROC_CATEGORY_PC && kind <= UTF8PROC_CATEGORY_PO;
}

// Appends the lower case of one character, as Python's `str.lower` gives it for that character alone. Only U+0130 has
// two characters: i and a combining dot. A capital sigma becomes the medial one, since a single character has no end of word.
inline void append_lower(std::vector<char32_t>& points, char32_t point) {
  if (point < 128) {
    points.push_back(point >= 'A' && point <= 'Z' ? point + 32 : point);
  } else if (point == 0x0130) {
    points.insert(points.end(), {U'i', U'\u0307'});
  } else {
    points.push_back(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(point))));
  }
}

// Canonical decomposition (NFD): every character taken apart, marks in the order of their combining classes.
[[nodiscard]] inline std::vector<char32_t> decompose(const std::vector<char32_t>& points) {
  std::vector<char32_t> result;
  result.reserve(points.size());
  for (const char32_t point : points) {
    std::array<utf8proc_int32_t, 32> parts{};  // no character has more than four
    int boundary = 0;
    const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(point), parts.data(), static_cast<utf8proc_ssize_t>(parts.size()),
                                               UTF8PROC_DECOMPOSE, &boundary);
    result.insert(result.end(), parts.begin(), parts.begin() + count);
  }
  const auto combining = [](char32_t point) { return utf8proc_get_property(static_cast<utf8proc_int32_t>(point))->combining_class; };
  for (auto from = result.begin(); from != result.end();) {  // utf8proc's own ordering is quadratic in the marks
    const auto end = std::find_if(from, result.end(), [&](char32_t point) { return combining(point) == 0; });
    std::stable_sort(from, end, [&](char32_t a, char32_t b) { return combining(a) < combining(b); });
    from = end == result.end() ? end : end + 1;
  }
  return result;
}

// Canonical composition (NFC).
[[nodiscard]] inline std::vector<char32_t> compose(const std::vector<char32_t>& points) {
  const auto parts = decompose(points);
  std::vector<utf8proc_int32_t> buffer(parts.begin(), parts.end());
  const auto count = utf8proc_normalize_utf32(buffer.data(), static_cast<utf8proc_ssize_t>(buffer.size()),
                                              static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  return {buffer.begin(), buffer.begin() + count};
}

}  // namespace mgca::text

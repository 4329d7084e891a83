// UTF-8 in and out, and the three questions a tokenizer asks about a character.
// Categories and decompositions come from utf8proc.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/utf8.hpp>

#include <utf8proc.h>

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

[[nodiscard]] inline char32_t lower(char32_t point) {
  if (point < 128) return point >= 'A' && point <= 'Z' ? point + 32 : point;
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(point)));
}

}  // namespace mgca::text

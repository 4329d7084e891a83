// Where text is UTF-8 and where it is not. What came from a file is checked once, at the door.
// Reference: The Unicode Standard, table 3-7 (well-formed UTF-8 byte sequences).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace mgca {

enum class InvalidUtf8 : std::uint8_t {
  refuse,   // Error(data) with the byte offset
  replace,  // each bad byte becomes U+FFFD
};

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

// Bytes of the well-formed character at `at`; 0 where there is none: overlong forms, surrogates, code points past
// U+10FFFF, cut sequences.
[[nodiscard]] constexpr std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(at), second = byte(at + 1);
  if (first < 0x80) return at < text.size() ? 1 : 0;
  const std::size_t length = first >= 0xC2 && first < 0xE0 ? 2 : first >= 0xE0 && first < 0xF0 ? 3 : first >= 0xF0 && first < 0xF5 ? 4 : 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80U) return 0;
  }
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool beyond = (first == 0xED && second >= 0xA0) || (first == 0xF4 && second >= 0x90);
  return overlong || beyond ? 0 : length;
}

// How many bytes at the beginning are ASCII.
[[nodiscard]] inline std::size_t leading_ascii(std::string_view text) {
  std::size_t at = 0;
  for (std::uint64_t word = 0; at + sizeof word <= text.size(); at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    if ((word & 0x8080808080808080ULL) != 0) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

// The first byte that begins no character; text.size() if all is well.
[[nodiscard]] constexpr std::size_t first_invalid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (!std::is_constant_evaluated()) at += leading_ascii(text.substr(at));
    if (at == text.size()) break;
    const auto length = utf8_length(text, at);
    if (length == 0) break;
    at += length;
  }
  return at;
}

// The text with U+FFFD in place of every byte that belongs to no character.
[[nodiscard]] inline std::string replaced_invalid_utf8(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto length = utf8_length(text, at);
    out += length == 0 ? kReplacementCharacter : text.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return out;
}

}  // namespace mgca

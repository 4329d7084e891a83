// One JSON string, read strictly: escapes as the standard has them, well-formed UTF-8, no control characters.
#pragma once

#include <mgca/core/utf8.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mgca::io::detail {

struct HeaderProblem : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Reads from `text` at `at`, which it moves along.
class JsonString {
 public:
  JsonString(std::string_view text, std::size_t& at) : text_(text), at_(at) {}

  // The text between the quotes. Throws HeaderProblem with the byte.
  std::string read() {
    if (peek() != '"') problem("expected a string");
    ++at_;
    std::string out;
    for (;;) {
      if (at_ >= text_.size()) problem("a string does not end");
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        ++at_;
        return out;
      }
      if (c < 0x20) problem("a control character in a string");
      if (c == '\\') {
        ++at_;
        escape(out);
      } else {
        sequence(out);
      }
    }
  }

 private:
  [[noreturn]] void problem(const std::string& what) const { throw HeaderProblem(what + " (header byte " + std::to_string(at_) + ")"); }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  std::uint32_t hex4() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = peek();
      const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
      if (digit < 0) problem("a \\u escape without four hexadecimal digits");
      value = value * 16 + static_cast<std::uint32_t>(digit);
      ++at_;
    }
    return value;
  }

  static void append_utf8(std::string& out, std::uint32_t code) {
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xC0 | code >> 6);
      out += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      out += static_cast<char>(0xE0 | code >> 12);
      out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
      out += static_cast<char>(0x80 | (code & 0x3F));
    } else {
      out += static_cast<char>(0xF0 | code >> 18);
      out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
      out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
      out += static_cast<char>(0x80 | (code & 0x3F));
    }
  }

  void escape(std::string& out) {
    const char c = peek();
    ++at_;
    static constexpr std::string_view from = "\"\\/bfnrt";
    static constexpr std::string_view to = "\"\\/\b\f\n\r\t";
    if (const auto i = from.find(c); c != '\0' && i != std::string_view::npos) {
      out += to[i];
      return;
    }
    if (c != 'u') problem("an unknown escape in a string");
    std::uint32_t code = hex4();
    if (code >= 0xD800 && code < 0xDC00) {
      if (peek() != '\\' || at_ + 1 >= text_.size() || text_[at_ + 1] != 'u') problem("half a surrogate pair");
      at_ += 2;
      const auto low = hex4();
      if (low < 0xDC00 || low >= 0xE000) problem("half a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code < 0xE000) {
      problem("half a surrogate pair");
    }
    append_utf8(out, code);
  }

  void sequence(std::string& out) {
    const auto length = utf8_length(text_, at_);
    if (length == 0) problem("a string is not UTF-8");
    out.append(text_, at_, length);
    at_ += length;
  }

  std::string_view text_;
  std::size_t& at_;
};

inline std::string json_string(std::string_view text) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (code < 0x20) {
      out += "\\u00";
      out += digits[code >> 4];
      out += digits[code & 15U];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace mgca::io::detail

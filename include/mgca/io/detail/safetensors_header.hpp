// The header of a safetensors file: a pull parser for exactly that table and nothing else. A general JSON reader accepts
// what the format forbids (duplicate keys, fractions, deep nesting, numbers past 2^64).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca::io::detail {

struct HeaderProblem : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct HeaderEntry {
  std::string name;
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<HeaderEntry> entries;
  std::map<std::string, std::string> metadata;
};

class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::size_t max_tensors, std::size_t max_rank)
      : text_(text), max_tensors_(max_tensors), max_rank_(max_rank) {}

  SafetensorsHeader parse() {
    if (text_.empty() || text_[0] != '{') problem("the header does not begin with '{'");
    SafetensorsHeader header;
    std::set<std::string> seen;
    object([&](std::string name) {
      if (!seen.insert(name).second) problem("the key '" + name + "' appears twice");
      if (name == "__metadata__") {
        metadata(header.metadata);
      } else {
        if (header.entries.size() == max_tensors_) problem("more than " + std::to_string(max_tensors_) + " tensors");
        header.entries.push_back(entry(std::move(name)));
      }
    });
    while (at_ < text_.size()) {
      if (text_[at_++] != ' ') problem("bytes other than spaces follow the header's closing brace");
    }
    return header;
  }

 private:
  [[noreturn]] void problem(const std::string& what) const { throw HeaderProblem(what + " (header byte " + std::to_string(at_) + ")"); }

  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) ++at_;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void expect(char c) {
    space();
    if (peek() != c) problem(std::string("expected '") + c + "'");
    ++at_;
  }
  bool accept(char c) {
    space();
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  template <class Member>
  void object(Member&& member) {
    expect('{');
    if (accept('}')) return;
    do {
      space();
      auto key = string();
      expect(':');
      member(std::move(key));
    } while (accept(','));
    expect('}');
  }

  void metadata(std::map<std::string, std::string>& into) {
    if (!into.empty()) problem("'__metadata__' appears twice");
    object([&](std::string key) {
      space();
      auto value = string();
      if (!into.emplace(key, std::move(value)).second) problem("the metadata key '" + key + "' appears twice");
    });
  }

  HeaderEntry entry(std::string name) {
    HeaderEntry made{.name = std::move(name)};
    std::set<std::string> fields;
    object([&](const std::string& field) {
      if (!fields.insert(field).second) problem("tensor '" + made.name + "' has '" + field + "' twice");
      if (field == "dtype") {
        space();
        made.dtype = string();
      } else if (field == "shape") {
        made.shape = numbers(max_rank_, made.name);
      } else if (field == "data_offsets") {
        const auto offsets = numbers(2, made.name);
        if (offsets.size() != 2) problem("tensor '" + made.name + "' has " + std::to_string(offsets.size()) + " data_offsets, expected 2");
        made.begin = offsets[0];
        made.end = offsets[1];
      } else {
        problem("tensor '" + made.name + "' has the unknown field '" + field + "'");
      }
    });
    if (fields.size() != 3) problem("tensor '" + made.name + "' lacks dtype, shape or data_offsets");
    return made;
  }

  std::vector<std::uint64_t> numbers(std::size_t most, const std::string& name) {
    std::vector<std::uint64_t> all;
    expect('[');
    if (accept(']')) return all;
    do {
      if (all.size() == most) problem("tensor '" + name + "' has a list of more than " + std::to_string(most) + " numbers");
      all.push_back(number(name));
    } while (accept(','));
    expect(']');
    return all;
  }

  // Decimal digits without sign, fraction, exponent or leading zero.
  std::uint64_t number(const std::string& name) {
    space();
    const auto start = at_;
    std::uint64_t value = 0;
    while (peek() >= '0' && peek() <= '9') {
      if (__builtin_mul_overflow(value, std::uint64_t{10}, &value) ||
          __builtin_add_overflow(value, static_cast<std::uint64_t>(peek() - '0'), &value)) {
        problem("a number of tensor '" + name + "' does not fit 64 bits");
      }
      ++at_;
    }
    const auto digits = at_ - start;
    if (digits == 0 || (digits > 1 && text_[start] == '0') || peek() == '.' || peek() == 'e' || peek() == 'E') {
      problem("tensor '" + name + "' has something that is not a plain non-negative integer");
    }
    return value;
  }

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

  // One well-formed UTF-8 sequence: no overlong forms, no surrogates, nothing past U+10FFFF.
  void sequence(std::string& out) {
    const auto byte = [&](std::size_t i) { return i < text_.size() ? static_cast<unsigned char>(text_[i]) : 0U; };
    const unsigned lead = byte(at_);
    const std::size_t length = lead < 0x80 ? 1 : lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
    bool valid = length > 0;
    for (std::size_t i = 1; valid && i < length; ++i) valid = (byte(at_ + i) & 0xC0U) == 0x80U;
    const unsigned second = byte(at_ + 1);
    if (lead == 0xE0) valid = valid && second >= 0xA0;
    if (lead == 0xED) valid = valid && second < 0xA0;
    if (lead == 0xF0) valid = valid && second >= 0x90;
    if (lead == 0xF4) valid = valid && second < 0x90;
    if (!valid) problem("a string is not UTF-8");
    out.append(text_, at_, length);
    at_ += length;
  }

  std::string string() {
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

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t max_tensors_, max_rank_;
};

// Throws HeaderProblem.
inline SafetensorsHeader read_safetensors_header(std::string_view text, std::size_t max_tensors, std::size_t max_rank) {
  return HeaderParser(text, max_tensors, max_rank).parse();
}

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

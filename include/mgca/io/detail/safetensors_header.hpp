// The header of a safetensors file: a pull parser for exactly that table and nothing else. A general JSON reader accepts
// what the format forbids (duplicate keys, fractions, deep nesting, numbers past 2^64).
#pragma once

#include <mgca/io/detail/json_string.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca::io::detail {

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
  [[noreturn]] void problem(const std::string& what) const {
    throw HeaderProblem(subject() + what + " (header byte " + std::to_string(at_) + ")");
  }
  [[nodiscard]] std::string subject() const { return tensor_ == nullptr ? "" : "tensor '" + *tensor_ + "': "; }

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
    object([&](std::string key) {
      space();
      auto value = string();
      if (!into.emplace(key, std::move(value)).second) problem("the metadata key '" + key + "' appears twice");
    });
  }

  HeaderEntry entry(std::string name) {
    HeaderEntry made{.name = std::move(name)};
    tensor_ = &made.name;
    std::set<std::string> fields;
    object([&](const std::string& field) {
      if (!fields.insert(field).second) problem("'" + field + "' appears twice");
      if (field == "dtype") {
        space();
        made.dtype = string();
      } else if (field == "shape") {
        made.shape = numbers(max_rank_);
      } else if (field == "data_offsets") {
        const auto offsets = numbers(2);
        if (offsets.size() != 2) problem("expected 2 data_offsets, got " + std::to_string(offsets.size()));
        made.begin = offsets[0];
        made.end = offsets[1];
      } else {
        problem("the field '" + field + "' is unknown");
      }
    });
    if (fields.size() != 3) problem("dtype, shape or data_offsets is missing");
    tensor_ = nullptr;
    return made;
  }

  std::vector<std::uint64_t> numbers(std::size_t most) {
    std::vector<std::uint64_t> all;
    expect('[');
    if (accept(']')) return all;
    do {
      if (all.size() == most) problem("a list of more than " + std::to_string(most) + " numbers");
      all.push_back(number());
    } while (accept(','));
    expect(']');
    return all;
  }

  // Decimal digits without sign, fraction, exponent or leading zero.
  std::uint64_t number() {
    space();
    const auto start = at_;
    std::uint64_t value = 0;
    while (peek() >= '0' && peek() <= '9') {
      if (__builtin_mul_overflow(value, std::uint64_t{10}, &value) ||
          __builtin_add_overflow(value, static_cast<std::uint64_t>(peek() - '0'), &value)) {
        problem("a number does not fit 64 bits");
      }
      ++at_;
    }
    const auto digits = at_ - start;
    if (digits == 0 || (digits > 1 && text_[start] == '0') || peek() == '.' || peek() == 'e' || peek() == 'E') {
      problem("expected a plain non-negative integer");
    }
    return value;
  }

  std::string string() {
    try {
      return JsonString(text_, at_).read();
    } catch (const HeaderProblem& problem) {
      throw HeaderProblem(subject() + problem.what());
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  const std::string* tensor_ = nullptr;  // whose entry is being read
  std::size_t max_tensors_, max_rank_;
};

// Throws HeaderProblem.
inline SafetensorsHeader read_safetensors_header(std::string_view text, std::size_t max_tensors, std::size_t max_rank) {
  return HeaderParser(text, max_tensors, max_rank).parse();
}

}  // namespace mgca::io::detail

// The index of a sharded set: {"metadata": {"total_size": n, ...}, "weight_map": {tensor: file, ...}}.
// Reference: https://huggingface.co/docs/safetensors, huggingface_hub's split_torch_state_dict_into_shards.
#pragma once

#include <mgca/io/detail/json_string.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace mgca::io::detail {

struct SafetensorsIndex {
  std::map<std::string, std::string, std::less<>> weight_map;  // tensor to file name
  std::optional<std::uint64_t> total_size;                      // bytes
};

class IndexParser {
 public:
  IndexParser(std::string_view text, std::size_t max_tensors) : text_(text), max_tensors_(max_tensors) {}

  SafetensorsIndex parse() {
    bool found = false;
    object([&](const std::string& key) {
      if (key == "weight_map") {
        found = true;
        weight_map();
      } else if (key == "metadata" && peek() == '{') {
        object([&](const std::string& field) { field == "total_size" ? total_size() : skip(1); });
      } else {
        skip(1);
      }
    });
    space();
    if (at_ != text_.size()) problem("something follows the closing brace");
    if (!found) problem("there is no weight_map");
    return std::move(index_);
  }

 private:
  [[noreturn]] void problem(const std::string& what) const { throw HeaderProblem(what + " (byte " + std::to_string(at_) + ")"); }
  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) ++at_;
  }
  char peek() {
    space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) problem(std::string("expected '") + c + "'");
  }
  std::string string() {
    space();
    return JsonString(text_, at_).read();
  }

  template <class Member>
  void object(Member&& member) {
    std::set<std::string> seen;
    expect('{');
    if (accept('}')) return;
    do {
      auto key = string();
      expect(':');
      space();
      if (!seen.insert(key).second) problem("the key '" + key + "' appears twice");
      member(key);
    } while (accept(','));
    expect('}');
  }

  void weight_map() {
    object([&](const std::string& tensor) {
      auto file = string();
      if (file.empty() || file == "." || file == ".." || file.find_first_of(std::string_view("/\\:\0", 4)) != std::string::npos) {
        problem("tensor '" + tensor + "': the shard " + json_string(file) + " is not the plain name of a file beside the index");
      }
      if (index_.weight_map.size() == max_tensors_) problem("more than " + std::to_string(max_tensors_) + " tensors");
      index_.weight_map.emplace(tensor, std::move(file));
    });
  }

  // A whole number; some writers add ".0".
  void total_size() {
    std::uint64_t value = 0;
    const auto start = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      if (__builtin_mul_overflow(value, std::uint64_t{10}, &value) ||
          __builtin_add_overflow(value, static_cast<std::uint64_t>(text_[at_] - '0'), &value)) {
        problem("total_size does not fit 64 bits");
      }
    }
    if (at_ == start) problem("total_size is not a whole number");
    if (text_.substr(at_, 2) == ".0") at_ += 2;
    if (const char next = peek(); next != ',' && next != '}') problem("total_size is not a whole number");
    index_.total_size = value;
  }

  // Any other value, told apart only as far as finding its end needs.
  void skip(int depth) {
    if (depth > 16) problem("values nested more than 16 deep");
    const char c = peek();
    if (c == '"') {
      (void)string();
    } else if (c == '{') {
      object([&](const std::string&) { skip(depth + 1); });
    } else if (c == '[') {
      ++at_;
      if (accept(']')) return;
      do {
        skip(depth + 1);
      } while (accept(','));
      expect(']');
    } else {
      const auto start = at_;
      while (at_ < text_.size() && std::string_view("+-.0123456789aeflnrstuEN").find(text_[at_]) != std::string_view::npos) ++at_;
      if (at_ == start) problem("expected a value");
    }
  }

  std::string_view text_;
  std::size_t at_ = 0, max_tensors_;
  SafetensorsIndex index_;
};

// Throws HeaderProblem.
inline SafetensorsIndex read_safetensors_index(std::string_view text, std::size_t max_tensors) {
  return IndexParser(text, max_tensors).parse();
}

}  // namespace mgca::io::detail

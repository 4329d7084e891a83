// The table of word pieces: line number = token id.
// A continuation piece begins with "##"; the five special tokens of BERT must be there.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>
#include <mgca/core/hash.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mgca {

class Vocabulary {
 public:
  // Throws Error(system) for an unreadable file, Error(data) with the line for an empty or repeated token, for one
  // that holds a line end, and for a missing special token.
  [[nodiscard]] static Vocabulary read(const std::filesystem::path& path) { return parse(read_text_file(path), path.string()); }
  // One token a line, with or without carriage return.
  [[nodiscard]] static Vocabulary parse(std::string_view text, const std::string& source = "vocabulary") {
    std::vector<std::string> tokens;
    for (std::size_t from = 0; from < text.size();) {
      const auto end = std::min(text.find('\n', from), text.size());
      auto token = text.substr(from, end - from);
      if (token.ends_with('\r')) token.remove_suffix(1);
      tokens.emplace_back(token);
      from = end + 1;
    }
    return Vocabulary(std::move(tokens), source);
  }

  // `source` names the table in errors.
  explicit Vocabulary(std::vector<std::string> tokens, const std::string& source = "vocabulary") : tokens_(std::move(tokens)) {
    ids_.reserve(tokens_.size());
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (tokens_[i].empty()) fail(ErrorKind::data, source, ": line ", i + 1, " is empty; expected one token a line");
      if (tokens_[i].find_first_of("\r\n") != std::string::npos) fail(ErrorKind::data, source, ": the token of line ", i + 1, " holds a line end");
      const auto [it, is_new] = ids_.emplace(tokens_[i], static_cast<std::int32_t>(i));
      if (!is_new) fail(ErrorKind::data, source, ": line ", i + 1, " repeats the token of line ", it->second + 1);
      continuation_.push_back(tokens_[i].size() > 2 && tokens_[i].starts_with("##"));
    }
    for (const auto& [name, id] : {std::pair("[PAD]", &pad_), {"[UNK]", &unknown_}, {"[CLS]", &cls_}, {"[SEP]", &sep_}, {"[MASK]", &mask_}}) {
      const auto it = ids_.find(std::string_view(name));
      if (it == ids_.end()) fail(ErrorKind::data, source, ": the special token ", name, " is missing; this is not a BERT vocabulary");
      *id = it->second;
    }
    Sha256 hash;
    for (const auto& token : tokens_) hash.update(token).update("\n");
    content_hash_ = hash.hex_digest();
  }

  [[nodiscard]] std::int32_t size() const { return static_cast<std::int32_t>(tokens_.size()); }
  // -1 for a token that is not in the table.
  [[nodiscard]] std::int32_t find(std::string_view token) const {
    const auto it = ids_.find(token);
    return it == ids_.end() ? -1 : it->second;
  }
  [[nodiscard]] const std::string& token(std::int32_t id) const {
    MGCA_CHECK(id >= 0 && id < size(), "vocabulary: id ", id, " is outside 0 .. ", size() - 1);
    return tokens_[static_cast<std::size_t>(id)];
  }
  [[nodiscard]] bool is_continuation(std::int32_t id) const { return continuation_[static_cast<std::size_t>(id)]; }
  [[nodiscard]] std::int32_t pad() const { return pad_; }
  [[nodiscard]] std::int32_t unknown() const { return unknown_; }
  [[nodiscard]] std::int32_t cls() const { return cls_; }
  [[nodiscard]] std::int32_t sep() const { return sep_; }
  [[nodiscard]] std::int32_t mask() const { return mask_; }
  // SHA-256 of the tokens, each followed by a line feed: the identity recorded in run manifests.
  [[nodiscard]] const std::string& content_hash() const { return content_hash_; }
  [[nodiscard]] const std::vector<std::string>& tokens() const { return tokens_; }

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  std::vector<std::string> tokens_;
  std::vector<bool> continuation_;
  std::unordered_map<std::string, std::int32_t, TextHash, std::equal_to<>> ids_;
  std::int32_t pad_ = 0, unknown_ = 0, cls_ = 0, sep_ = 0, mask_ = 0;
  std::string content_hash_;
};

}  // namespace mgca

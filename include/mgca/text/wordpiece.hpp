// Text to token ids: BERT's basic tokenizer followed by WordPiece.
// Reference: Devlin et al. 2019; the ids equal those of transformers' BertTokenizer for every text (tests/parity).
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/text/unicode.hpp>
#include <mgca/text/vocabulary.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mgca {

struct WordPieceConfig {
  std::int64_t length = 112;           // tokens per report, [CLS] and [SEP] included
  bool lower_case = true;              // also strips accents, as the reference does
  std::int64_t max_word_length = 100;  // characters; longer words become [UNK]

  static void describe(auto& self, auto&& field) {
    field("length", self.length, "tokens per report, [CLS] and [SEP] included");
    field("lower_case", self.lower_case, "lower-case and strip accents before splitting");
    field("max_word_length", self.max_word_length, "characters; longer words become [UNK]");
  }
  void validate() const {
    MGCA_CHECK(length >= 2, "wordpiece: length must leave room for [CLS] and [SEP], got ", length);
    MGCA_CHECK(max_word_length > 0, "wordpiece: max_word_length must be positive, got ", max_word_length);
  }
  friend bool operator==(const WordPieceConfig&, const WordPieceConfig&) = default;
};

// One report as the model reads it.
struct TokenRow {
  std::vector<std::int32_t> ids;  // [CLS], pieces, [SEP], then [PAD] up to the configured length
  std::int64_t used = 0;          // tokens that are not padding
};

class WordPiece {
 public:
  explicit WordPiece(Vocabulary vocabulary, const WordPieceConfig& config = {})
      : vocabulary_(std::make_shared<const Vocabulary>(std::move(vocabulary))), config_((config.validate(), config)) {}

  [[nodiscard]] const Vocabulary& vocabulary() const { return *vocabulary_; }
  [[nodiscard]] const WordPieceConfig& config() const { return config_; }

  // The pieces of a text without [CLS], [SEP] and padding. Throws Error(data) for text that is not UTF-8.
  [[nodiscard]] std::vector<std::int32_t> pieces(std::string_view text, text::InvalidUtf8 policy = text::InvalidUtf8::refuse) const {
    std::vector<std::int32_t> ids;
    for (std::size_t from = 0; from < text.size();) {
      const auto [at, id] = next_special(text, from);
      const auto part = text.substr(from, at - from);
      if (is_plain(part)) split_plain(part, ids);
      else split(text::decode_utf8(part, policy), ids);
      if (id < 0) break;
      ids.push_back(id);
      from = at + vocabulary_->token(id).size();
    }
    return ids;
  }

  [[nodiscard]] TokenRow encode(std::string_view text, text::InvalidUtf8 policy = text::InvalidUtf8::refuse) const {
    const auto found = pieces(text, policy);
    const auto kept = std::min(found.size(), static_cast<std::size_t>(config_.length - 2));
    TokenRow row{.ids = {vocabulary_->cls()}, .used = static_cast<std::int64_t>(kept) + 2};
    row.ids.insert(row.ids.end(), found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept));
    row.ids.push_back(vocabulary_->sep());
    row.ids.resize(static_cast<std::size_t>(config_.length), vocabulary_->pad());
    return row;
  }

 private:
  // A special token written out in the text is that token, not characters.
  [[nodiscard]] std::pair<std::size_t, std::int32_t> next_special(std::string_view text, std::size_t from) const {
    for (auto at = text.find('[', from); at != std::string_view::npos; at = text.find('[', at + 1)) {
      for (const auto id : {vocabulary_->cls(), vocabulary_->sep(), vocabulary_->pad(), vocabulary_->mask(), vocabulary_->unknown()}) {
        if (text.substr(at).starts_with(vocabulary_->token(id))) return {at, id};
      }
    }
    return {text.size(), -1};
  }

  enum class Kind : std::uint8_t { letter, capital, blank, punctuation, other };  // of a byte
  static constexpr std::array<Kind, 256> kKinds = [] {
    std::array<Kind, 256> kinds{};
    for (std::size_t c = 0; c < kinds.size(); ++c) {
      const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r', printable = c > ' ' && c <= '~';
      const bool digit = c >= '0' && c <= '9', small = c >= 'a' && c <= 'z', capital = c >= 'A' && c <= 'Z';
      kinds[c] = blank ? Kind::blank : !printable ? Kind::other : capital ? Kind::capital : digit || small ? Kind::letter : Kind::punctuation;
    }
    return kinds;
  }();
  [[nodiscard]] static Kind kind_of(char c) { return kKinds[static_cast<unsigned char>(c)]; }

  // Printable ASCII and blanks, nearly every report: no character vanishes, composes or decomposes.
  [[nodiscard]] static bool is_plain(std::string_view text) {
    bool plain = true;
    for (const char c : text) plain &= kind_of(c) != Kind::other;
    return plain;
  }

  void split_plain(std::string_view text, std::vector<std::int32_t>& ids) const {
    std::string word;
    for (std::size_t at = 0; at < text.size();) {
      const auto begin = at;
      const auto first = kind_of(text[at++]);
      if (first == Kind::blank) continue;
      bool capitals = first == Kind::capital;
      while (first != Kind::punctuation && at < text.size() && kind_of(text[at]) <= Kind::capital) capitals |= kind_of(text[at++]) == Kind::capital;
      word.assign(text, begin, at - begin);
      if (capitals && config_.lower_case) std::ranges::transform(word, word.begin(), [](char c) { return kind_of(c) == Kind::capital ? static_cast<char>(c + 32) : c; });
      append_pieces(word, ids);
    }
  }

  // Blank-separated words, ideographs alone. Characters without a form (control, private, not assigned) vanish without splitting.
  void split(const std::vector<char32_t>& points, std::vector<std::int32_t>& ids) const {
    std::vector<char32_t> word;
    const auto flush = [&] {
      if (!word.empty()) append_word(word, ids);
      word.clear();
    };
    for (const char32_t point : points) {
      const auto kind = text::category(point);
      if (point == '\t' || point == '\n' || point == '\r' || kind == UTF8PROC_CATEGORY_ZS || point == 0x2028 || point == 0x2029) {
        flush();
      } else if (point == U'\uFFFD' || kind == UTF8PROC_CATEGORY_CC || kind == UTF8PROC_CATEGORY_CF || kind == UTF8PROC_CATEGORY_CS ||
                 kind == UTF8PROC_CATEGORY_CO || kind == UTF8PROC_CATEGORY_CN) {
        continue;
      } else if (is_cjk(point)) {
        flush();
        word.push_back(point);
        flush();
      } else if (config_.lower_case) {
        text::append_lower(word, point);
      } else {
        word.push_back(point);
      }
    }
    flush();
  }

  // Lower case: decomposed, non-spacing marks dropped. Cased: composed. Then punctuation stands alone.
  void append_word(const std::vector<char32_t>& word, std::vector<std::int32_t>& ids) const {
    const auto normal = config_.lower_case ? text::decompose(word) : text::compose(word);
    std::string part;
    const auto flush = [&] {
      if (!part.empty()) append_pieces(part, ids);
      part.clear();
    };
    // A special token once its invisible characters are gone: "[SE", U+200B, "P]".
    if (normal.front() == U'[' && normal.back() == U']') {
      for (const char32_t point : normal) text::append_utf8(part, point);
      const auto [at, id] = next_special(part, 0);
      if (at == 0 && vocabulary_->token(id) == part) return ids.push_back(id);
      part.clear();
    }
    for (const char32_t point : normal) {
      if (config_.lower_case && text::category(point) == UTF8PROC_CATEGORY_MN) continue;
      const bool alone = text::is_punctuation(point);
      if (alone) flush();
      text::append_utf8(part, point);
      if (alone) flush();
    }
    flush();
  }

  [[nodiscard]] static bool is_cjk(char32_t p) {
    return (p >= 0x4E00 && p <= 0x9FFF) || (p >= 0x3400 && p <= 0x4DBF) || (p >= 0x20000 && p <= 0x2A6DF) ||
           (p >= 0x2A700 && p <= 0x2B73F) || (p >= 0x2B740 && p <= 0x2B81F) || (p >= 0x2B820 && p <= 0x2CEAF) ||
           (p >= 0xF900 && p <= 0xFAFF) || (p >= 0x2F800 && p <= 0x2FA1F);
  }

  // Greedy longest match from the left; a word with a part that is in no way in the table is [UNK] as a whole.
  void append_pieces(const std::string& word, std::vector<std::int32_t>& ids) const {
    if (word.size() <= static_cast<std::size_t>(config_.max_word_length)) {  // bytes, and so characters: the common case of a whole word
      if (const auto id = vocabulary_->find(word); id >= 0) return ids.push_back(id);
    }
    std::int64_t characters = 0;
    for (const char c : word) characters += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    const auto before = ids.size();
    bool known = characters <= config_.max_word_length;
    std::string piece;
    for (std::size_t from = 0; known && from < word.size();) {
      std::int32_t id = -1;
      std::size_t end = word.size();
      for (; end > from; --end) {
        if (end < word.size() && (static_cast<unsigned char>(word[end]) & 0xC0U) == 0x80U) continue;  // inside a character
        piece.assign(from > 0 ? "##" : "").append(word, from, end - from);
        if ((id = vocabulary_->find(piece)) >= 0) break;
      }
      known = id >= 0;
      if (known) ids.push_back(id);
      from = end;
    }
    if (!known) {
      ids.resize(before);
      ids.push_back(vocabulary_->unknown());
    }
  }

  std::shared_ptr<const Vocabulary> vocabulary_;
  WordPieceConfig config_;
};

}  // namespace mgca

// A report's tokens as one row of a pack: hash of the report (8 bytes), tokens in use (2), words (2), ids (2 or 4 bytes each),
// word slots (1 or 2 each; the highest value: none).
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/hash.hpp>
#include <mgca/data/detail/pack_layout.hpp>
#include <mgca/text/caption.hpp>
#include <mgca/text/tokenized_text.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mgca::detail {

[[nodiscard]] inline std::uint64_t report_hash(const std::string& report) { return checksum(std::as_bytes(std::span(report))); }

class TokenRows {
 public:
  // Throws Error(argument) for more tokens than a row can count.
  explicit TokenRows(const PackTokens& how)
      : length_(how.options.length), entries_(how.entries), id_bytes_(entries_ <= 65536 ? 2 : 4), slot_bytes_(length_ <= 255 ? 1 : 2) {
    MGCA_CHECK(length_ >= 2 && length_ <= 65535, "pack: expected 2 to 65,535 tokens a report, got ", length_);
  }
  [[nodiscard]] std::uint64_t bytes() const { return 12 + static_cast<std::uint64_t>(length_) * (id_bytes_ + slot_bytes_); }

  [[nodiscard]] std::vector<std::byte> encode(const std::string& report, const TokenizedText& text) const {
    std::vector<std::byte> row;
    row.reserve(bytes());
    put(row, report_hash(report));
    put(row, static_cast<std::uint16_t>(text.pieces.used));
    put(row, static_cast<std::uint16_t>(text.words.words));
    for (const auto id : text.pieces.ids)
      id_bytes_ == 2 ? put(row, static_cast<std::uint16_t>(id)) : put(row, static_cast<std::uint32_t>(id));
    for (const auto slot : text.words.slot_of_token)
      slot_bytes_ == 1 ? put(row, static_cast<std::uint8_t>(slot)) : put(row, static_cast<std::uint16_t>(slot));
    return row;
  }
  // Nothing where the row is of another report or holds impossible numbers.
  [[nodiscard]] std::optional<TokenizedText> decode(std::span<const std::byte> row, const std::string& report) const {
    if (get<std::uint64_t>(row, 0) != report_hash(report)) return std::nullopt;
    TokenizedText text;
    text.pieces.used = get<std::uint16_t>(row, 8);
    text.words.words = get<std::uint16_t>(row, 10);
    if (text.pieces.used < 2 || text.pieces.used > length_ || text.words.words >= length_) return std::nullopt;
    std::uint64_t at = 12;
    for (std::int64_t i = 0; i < length_; ++i, at += id_bytes_) {
      text.pieces.ids.push_back(id_bytes_ == 2 ? get<std::uint16_t>(row, at) : get<std::int32_t>(row, at));
      if (text.pieces.ids.back() < 0 || text.pieces.ids.back() >= entries_) return std::nullopt;
    }
    for (std::int64_t i = 0; i < length_; ++i, at += slot_bytes_) {
      const std::int32_t slot = slot_bytes_ == 1 ? get<std::uint8_t>(row, at) : get<std::uint16_t>(row, at);
      const std::int32_t none = slot_bytes_ == 1 ? 255 : 65535;
      if (slot != none && slot >= text.words.words) return std::nullopt;
      text.words.slot_of_token.push_back(slot == none ? -1 : slot);
    }
    return text;
  }

 private:
  std::int64_t length_, entries_;
  std::size_t id_bytes_, slot_bytes_;
};

// A report as training reads it.
[[nodiscard]] inline TokenizedText tokens_of_report(const std::string& report, const WordPiece& tokenizer, Profile profile) {
  return tokenized(text::clean_caption({.impression = report, .findings = ""}).joined(), tokenizer, profile);
}

}  // namespace mgca::detail

// How a pack is laid out: a page of header, records of one stride, an entry of index for each, rows of tokens, a seal. All numbers
// are little endian, whatever the machine.
#pragma once

#include <mgca/core/config.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/hash.hpp>
#include <mgca/core/profile.hpp>
#include <mgca/data/record.hpp>
#include <mgca/image/local_contrast.hpp>
#include <mgca/text/wordpiece.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

// Which tokens stand beside the pictures.
struct PackTokens {
  std::string vocabulary;  // SHA-256
  std::int64_t entries = 0;  // of the vocabulary
  WordPieceConfig options;
  Profile profile = Profile::fixed;

  static void describe(auto& self, auto&& field) {
    field("vocabulary", self.vocabulary, "SHA-256 of the word pieces");
    field("entries", self.entries, "entries of the vocabulary");
    field("options", self.options, "how reports are cut");
    field("profile", self.profile, "decides which tokens are words");
  }
};

// What a pack holds; the header tells it as JSON.
struct PackContent {
  std::string list;          // SHA-256 of row number and image path of every record, in order
  std::int64_t side = 256;   // of the square pictures, pixels
  std::string resize = "longer side by area, black border";
  std::string decoder;       // io::kImageBackend
  LocalContrast local_contrast;
  std::optional<PackTokens> tokens;

  static void describe(auto& self, auto&& field) {
    field("list", self.list, "SHA-256 of the list of pictures");
    field("side", self.side, "side of the square pictures, pixels");
    field("resize", self.resize, "how they are fitted");
    field("decoder", self.decoder, "what decoded the files");
    field("local_contrast", self.local_contrast, "whether pictures are evened out");
    field("tokens", self.tokens, "reports as tokens");
  }
};

// What the index keeps of one record.
struct PackEntry {
  std::uint64_t key = 0;       // of row number and image path
  std::uint64_t checksum = 0;  // XXH3 of the record's bytes
  std::uint64_t source = 0;    // XXH3 of the image file's bytes; 0 for pictures from elsewhere
  std::uint64_t picture = 0;   // of pixels and sides as decoded, the hash of data::audit
  std::int64_t row = 0;        // in the table
  std::uint32_t height = 0, width = 0;  // as decoded, pixels
  bool bad = false;            // no picture: it could not be read

  friend bool operator==(const PackEntry&, const PackEntry&) = default;
};

namespace detail {

inline constexpr std::uint64_t kPackPage = 4096, kPackEntryBytes = 64, kPackSealBytes = 32;
inline constexpr std::uint32_t kPackVersion = 1;
inline constexpr std::string_view kPackMagic = "MGCAPACK";

template <class T>
void put(std::vector<std::byte>& bytes, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) bytes.push_back(static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xFFU));
}
template <class T>
[[nodiscard]] T get(std::span<const std::byte> bytes, std::uint64_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value |= std::to_integer<std::uint64_t>(bytes[at + i]) << (8 * i);
  return static_cast<T>(value);
}

// Where everything lies in a file of `records` pictures; at most 2^62 bytes.
struct PackLayout {
  std::uint64_t records = 0, side = 0, stride = 0, token_row = 0;

  PackLayout(std::uint64_t count, std::uint64_t picture_side, std::uint64_t token_row_bytes)
      : records(count), side(picture_side), stride((side * side + kPackPage - 1) / kPackPage * kPackPage), token_row(token_row_bytes) {}

  [[nodiscard]] static bool possible(std::uint64_t count, std::uint64_t side, std::uint64_t token_row) {
    return side > 0 && side <= 32768 && token_row <= (1U << 24) && count <= (std::uint64_t{1} << 30);
  }
  [[nodiscard]] std::uint64_t record(std::uint64_t i) const { return kPackPage + i * stride; }
  [[nodiscard]] std::uint64_t index() const { return record(records); }
  [[nodiscard]] std::uint64_t tokens() const { return index() + records * kPackEntryBytes; }
  [[nodiscard]] std::uint64_t seal() const { return tokens() + records * token_row; }
  [[nodiscard]] std::uint64_t bytes() const { return seal() + kPackSealBytes; }
};

// Magic, version, page, records, side, stride, bytes of a token row, bytes of the file, length of the JSON, the JSON; at the page's
// end its checksum.
inline std::vector<std::byte> pack_header(const PackContent& content, const PackLayout& layout) {
  const auto json = to_json_text(content, -1);
  std::vector<std::byte> page;
  for (const char c : kPackMagic) put(page, static_cast<std::uint8_t>(c));
  put(page, kPackVersion);
  put(page, static_cast<std::uint32_t>(kPackPage));
  for (const auto value : {layout.records, layout.side, layout.stride, layout.token_row, layout.bytes(), std::uint64_t{json.size()}})
    put(page, value);
  for (const char c : json) put(page, static_cast<std::uint8_t>(c));
  MGCA_CHECK(page.size() <= kPackPage - 8, "pack: what it holds takes ", json.size(), " bytes to tell, more than fit the header");
  page.resize(kPackPage - 8);
  put(page, checksum(page));
  return page;
}

struct PackHeader {
  PackContent content;
  PackLayout layout;
};

// Throws Error(data) naming `source` and the field.
inline PackHeader read_pack_header(std::span<const std::byte> file, const std::string& source) {
  const auto wrong = [&](const auto&... what) { fail(ErrorKind::data, source, ": ", what..., "; pack the pictures again with mgca pack"); };
  if (file.size() < kPackPage) wrong("not a pack: ", file.size(), " bytes, the header alone takes ", kPackPage);
  const auto page = file.first(kPackPage);
  if (!std::equal(kPackMagic.begin(), kPackMagic.end(), page.begin(), [](char c, std::byte b) { return static_cast<std::byte>(c) == b; })) {
    wrong("not a pack: it does not begin with ", kPackMagic);
  }
  if (const auto version = get<std::uint32_t>(page, 8); version != kPackVersion)
    wrong("a pack of version ", version, ", this library reads version ", kPackVersion);
  if (get<std::uint64_t>(page, kPackPage - 8) != checksum(page.first(kPackPage - 8)))
    wrong("the header is damaged: its checksum does not fit");
  const auto number = [&](std::uint64_t i) { return get<std::uint64_t>(page, 16 + 8 * i); };
  const auto records = number(0), side = number(1), token_row = number(3), length = number(5);
  if (get<std::uint32_t>(page, 12) != kPackPage || !PackLayout::possible(records, side, token_row) || length > kPackPage - 72)
    wrong("the header is damaged: impossible sizes");
  const PackLayout layout(records, side, token_row);
  if (number(2) != layout.stride || number(4) != layout.bytes())
    wrong("the header is damaged: stride or file size do not fit ", records, " records of side ", side);
  const std::string json(reinterpret_cast<const char*>(page.data()) + 64, length);
  auto content = from_json_text<PackContent>(json, source + ": header");
  if (content.side != static_cast<std::int64_t>(side))
    wrong("the header is damaged: it tells of pictures of side ", side, " and of side ", content.side);
  return {std::move(content), layout};
}

inline std::vector<std::byte> pack_entry_bytes(const PackEntry& e) {
  std::vector<std::byte> bytes;
  for (const auto value : {e.key, e.checksum, e.source, e.picture, static_cast<std::uint64_t>(e.row)}) put(bytes, value);
  put(bytes, e.height);
  put(bytes, e.width);
  put(bytes, std::uint64_t{e.bad});
  put(bytes, checksum(bytes));
  return bytes;
}
// Nothing where the bytes are no entry.
inline std::optional<PackEntry> pack_entry(std::span<const std::byte> b) {
  if (b.size() < kPackEntryBytes || get<std::uint64_t>(b, 56) != checksum(b.first(56))) return std::nullopt;
  return PackEntry{.key = get<std::uint64_t>(b, 0),
                   .checksum = get<std::uint64_t>(b, 8),
                   .source = get<std::uint64_t>(b, 16),
                   .picture = get<std::uint64_t>(b, 24),
                   .row = get<std::int64_t>(b, 32),
                   .height = get<std::uint32_t>(b, 40),
                   .width = get<std::uint32_t>(b, 44),
                   .bad = get<std::uint64_t>(b, 48) != 0};
}

// By what a record is found again: where it stands in its table and which image it names.
[[nodiscard]] inline std::uint64_t pack_key(const Study& study) {
  const auto name = std::to_string(study.row) + " " + study.image.generic_string();
  return checksum(std::as_bytes(std::span(name)));
}

}  // namespace detail
}  // namespace mgca

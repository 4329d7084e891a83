// A data set's pictures decoded and reduced once, as training reads them, in one file that is mapped, not read: a batch then costs
// copies. Every record has a checksum, so that damage no decoder would see is seen. A pack holds no report text and no names, but
// the pictures themselves, and its hashes can be tried: keep it as safe as the images.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/hash.hpp>
#include <mgca/core/mapped_file.hpp>
#include <mgca/core/parallel.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/data/audit.hpp>
#include <mgca/data/dataset.hpp>
#include <mgca/data/detail/pack_layout.hpp>
#include <mgca/data/detail/pack_tokens.hpp>
#include <mgca/data/fingerprint.hpp>
#include <mgca/image/geometry.hpp>
#include <mgca/image/local_contrast.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

// When the checksum of a record is compared with its bytes.
enum class PackCheck : std::uint8_t {
  first_read,  // of each record
  each_read,
  at_open,     // all records, before the first is used: reads the whole file
  never,
};
constexpr auto names_of(PackCheck) { return std::to_array<std::string_view>({"first_read", "each_read", "at_open", "never"}); }

namespace data {

// A picture as it is stored, in a pack or in memory: fitted into a square, then evened out.
[[nodiscard]] inline GreyImage stored_picture(const Plane<const std::uint8_t>& decoded, std::int64_t side, const LocalContrast& how) {
  auto fitted = image::fit_to_square(decoded, side);
  return how.radius == 0 ? std::move(fitted) : image::local_contrast(fitted.plane(), how);
}

// SHA-256 of row number and image path of every record, in order.
template <Dataset D>
[[nodiscard]] std::string list_hash(const D& data) {
  detail::FieldHash hash;
  hash.text("mgca list 1");
  hash.number(static_cast<std::uint64_t>(data.size()));
  for (std::int64_t i = 0; i < data.size(); ++i) {
    hash.number(static_cast<std::uint64_t>(data.record(i).row));
    hash.text(data.record(i).image.generic_string());
  }
  return hash.hex_digest();
}

}  // namespace data

// A finished pack, open for reading from any number of threads.
class ImagePack {
 public:
  // Throws Error(system) for an unreadable file, Error(data) naming file and place for one that is no pack, unfinished or damaged.
  explicit ImagePack(const std::filesystem::path& path, PackCheck check = PackCheck::first_read)
      : source_(path.string()), check_(check), file_(path), header_(detail::read_pack_header(file_.bytes(), source_)) {
    const auto& layout = header_.layout;
    if (file_.bytes().size() != layout.bytes()) {
      fail(ErrorKind::data, source_, ": ", file_.bytes().size(), " bytes, expected ", layout.bytes(), " for ", layout.records,
           " pictures: cut off or not finished; copy it again, or pack the pictures again with mgca pack");
    }
    const auto seal = part(layout.seal(), detail::kPackSealBytes);
    const auto index = part(layout.index(), layout.records * detail::kPackEntryBytes);
    if (detail::get<std::uint64_t>(seal, 24) != checksum(seal.first(24))) damaged("seal");
    if (detail::get<std::uint64_t>(seal, 0) != checksum(index)) damaged("index");
    if (detail::get<std::uint64_t>(seal, 8) != checksum(part(layout.tokens(), layout.records * layout.token_row))) damaged("tokens");
    for (std::int64_t i = 0; i < size(); ++i) {
      const auto entry = detail::pack_entry(index.subspan(static_cast<std::size_t>(i) * detail::kPackEntryBytes));
      if (!entry) damaged("index");
      entries_.push_back(*entry);
      bad_ += entry->bad ? 1 : 0;
      by_key_.emplace_back(entry->key, i);
    }
    std::sort(by_key_.begin(), by_key_.end());
    if (header_.content.tokens) {
      rows_.emplace(*header_.content.tokens);
      if (rows_->bytes() != layout.token_row) damaged("header: the size of token rows");
    } else if (layout.token_row != 0) {
      damaged("header: token rows without tokens");
    }
    seen_ = std::make_unique<std::atomic<bool>[]>(static_cast<std::size_t>(size()));
    if (check == PackCheck::at_open) parallel_for(size(), [&](std::int64_t i) { require_whole(i); });
    expect_scattered_reads(part(detail::kPackPage, layout.records * layout.stride));
  }

  [[nodiscard]] const std::string& source() const { return source_; }
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(header_.layout.records); }
  [[nodiscard]] std::int64_t side() const { return header_.content.side; }
  [[nodiscard]] const PackContent& content() const { return header_.content; }
  [[nodiscard]] const PackEntry& entry(std::int64_t i) const { return entries_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] std::int64_t bad() const { return bad_; }  // records without a picture
  // SHA-256 of header, index and seal, and so of everything: the index holds the checksum of every record.
  [[nodiscard]] std::string identity() const {
    const auto& layout = header_.layout;
    return Sha256()
        .update(part(0, detail::kPackPage))
        .update(part(layout.index(), layout.tokens() - layout.index()))
        .update(part(layout.seal(), detail::kPackSealBytes))
        .hex_digest();
  }

  // Where a record of a data set stands in the pack, by row number and image path.
  [[nodiscard]] std::optional<std::int64_t> find(const Study& study) const {
    const auto key = detail::pack_key(study);
    const auto it = std::lower_bound(by_key_.begin(), by_key_.end(), std::pair(key, std::int64_t{0}));
    if (it == by_key_.end() || it->first != key) return std::nullopt;
    return it->second;
  }

  // The pixels of one record, side x side, where they lie in the file. Throws Error(data) naming pack, record and row for damage
  // and for a record without a picture.
  [[nodiscard]] Plane<const std::uint8_t> picture(std::int64_t i) const {
    MGCA_CHECK(i >= 0 && i < size(), source_, ": record ", i, " of ", size());
    if (entry(i).bad)
      fail(ErrorKind::data, source_, ": record ", i, " (row ", entry(i).row, "): its picture could not be read when the pack was made");
    auto& seen = seen_[static_cast<std::size_t>(i)];
    if (check_ == PackCheck::each_read || (check_ == PackCheck::first_read && !seen.load(std::memory_order_relaxed))) {
      require_whole(i);
      seen.store(true, std::memory_order_relaxed);
    }
    const auto bytes = part(header_.layout.record(static_cast<std::uint64_t>(i)), header_.layout.side * header_.layout.side);
    return {.pixels = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, .height = side(), .width = side()};
  }
  // Asks the system to have records in memory soon; returns at once.
  void fetch(std::int64_t i) const { fetch_pages(record(i)); }

  // The tokens of a report; nothing where the pack holds none, or those of another text.
  [[nodiscard]] std::optional<TokenizedText> tokens(std::int64_t i, const std::string& report) const {
    if (!rows_) return std::nullopt;
    return rows_->decode(part(header_.layout.tokens() + static_cast<std::uint64_t>(i) * header_.layout.token_row, header_.layout.token_row),
                         report);
  }

 private:
  [[nodiscard]] std::span<const std::byte> part(std::uint64_t at, std::uint64_t bytes) const { return file_.bytes().subspan(at, bytes); }
  [[nodiscard]] std::span<const std::byte> record(std::int64_t i) const {
    return part(header_.layout.record(static_cast<std::uint64_t>(i)), header_.layout.stride);
  }
  [[noreturn]] void damaged(std::string_view what) const {
    fail(ErrorKind::data, source_, ": damaged (", what, "): copy it again, or pack the pictures again with mgca pack");
  }
  void require_whole(std::int64_t i) const {
    if (checksum(record(i)) == entry(i).checksum) return;
    fail(ErrorKind::data, source_, ": record ", i, " (row ", entry(i).row,
         ") is damaged: its checksum does not fit; copy the pack again, or pack the pictures again with mgca pack");
  }

  std::string source_;
  PackCheck check_;
  MappedFile file_;
  detail::PackHeader header_;
  std::vector<PackEntry> entries_;
  std::vector<std::pair<std::uint64_t, std::int64_t>> by_key_;
  std::optional<detail::TokenRows> rows_;
  std::int64_t bad_ = 0;
  std::unique_ptr<std::atomic<bool>[]> seen_;
};

namespace data {

// Throws Error(data) with what differs where a pack is not of these records, or holds pictures stored otherwise.
template <Dataset D>
void require_pack_of(const ImagePack& pack, const D& data, std::int64_t side, const LocalContrast& how) {
  auto wanted = pack.content();
  wanted.side = side;
  wanted.local_contrast = how;
  std::string list;
  for (const auto& one : differences(pack.content(), wanted))
    list += "\n  " + one.path + ": the pack has " + one.left + ", you ask for " + one.right;
  if (pack.content().list != list_hash(data)) {
    if (pack.size() != data.size())
      list += "\n  pictures: the pack has " + std::to_string(pack.size()) + ", the data " + std::to_string(data.size());
    std::int64_t missing = 0, first = -1;
    for (std::int64_t i = 0; i < data.size(); ++i) {
      if (pack.find(data.record(i)) == i) continue;
      if (missing++ == 0) first = i;
    }
    if (missing > 0)
      list += "\n  records of the data that are not in their place in the pack: " + std::to_string(missing) + ", the first in row " +
              std::to_string(data.record(first).row);
    if (list.empty()) list = "\n  the list of pictures";
  }
  if (!list.empty())
    fail(ErrorKind::data, pack.source(), ": a pack of other data; pack these with mgca pack, or leave out the pack. What differs:", list);
}

// What audit() would see of a data set's pictures, from a pack of them.
template <Dataset D>
[[nodiscard]] std::vector<SeenPicture> seen_pictures(const ImagePack& pack, const D& data) {
  std::vector<SeenPicture> pictures;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const auto found = pack.find(data.record(i));
    if (!found)
      fail(ErrorKind::data, pack.source(), ": row ", data.record(i).row, " is not in the pack; pack the pictures again with mgca pack");
    const auto& entry = pack.entry(*found);
    pictures.push_back({.height = entry.height,
                        .width = entry.width,
                        .content = entry.picture,
                        .error = entry.bad ? "its picture could not be read when the pack was made" : ""});
  }
  return pictures;
}

}  // namespace data
}  // namespace mgca

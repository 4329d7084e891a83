// The table of contents of a zip archive, as torch.save writes it: every number is checked
// against the file, and what the entries say of themselves against what the directory says of them.
// Reference: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3.
#pragma once

#include <mgca/core/utf8.hpp>
#include <mgca/io/detail/archive_problem.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::io::detail {

struct ZipEntry {
  std::string name;
  std::uint32_t crc = 0;
  std::uint64_t method = 0;  // 0: stored, so `bytes` are the data
  std::span<const std::byte> bytes;
};
using ZipDirectory = std::map<std::string, ZipEntry, std::less<>>;

class ZipReader {
 public:
  ZipReader(std::span<const std::byte> file, std::size_t max_entries) : file_(file), max_entries_(max_entries) {}

  ZipDirectory read() {
    find_directory();
    std::vector<Extent> extents;
    ZipDirectory entries;
    std::uint64_t at = directory_;
    for (std::uint64_t i = 0; i < count_; ++i) {
      auto extent = entry(at, i);
      const std::string name = extent.entry.name;
      if (!entries.emplace(name, extent.entry).second) refuse_archive("the zip entry '", name, "' appears twice");
      extents.push_back(std::move(extent));
    }
    if (at != directory_end_) refuse_archive("the zip directory ends at byte ", at, ", expected ", directory_end_);
    std::sort(extents.begin(), extents.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
    std::uint64_t covered = 0;
    for (const auto& extent : extents) {
      if (extent.begin < covered) refuse_archive("the zip entry '", extent.entry.name, "' overlaps the one before it");
      if (extent.begin > covered) {
        refuse_archive(extent.begin - covered, " bytes before the zip entry '", extent.entry.name, "' belong to no entry");
      }
      covered = extent.end;
    }
    if (covered != directory_) refuse_archive(directory_ - covered, " bytes before the zip directory belong to no entry");
    return entries;
  }

 private:
  struct Extent {
    std::uint64_t begin = 0, end = 0;  // local header, data and what describes them after
    ZipEntry entry;
  };
  struct Sizes {
    std::uint64_t plain = 0, stored = 0, header = 0;
  };

  // A little-endian number. The caller has checked that it is inside.
  [[nodiscard]] std::uint64_t number(std::uint64_t at, std::size_t bytes) const {
    std::uint64_t value = 0;
    std::memcpy(&value, file_.data() + at, bytes);
    return value;
  }
  [[nodiscard]] bool inside(std::uint64_t at, std::uint64_t bytes, std::uint64_t end) const { return at <= end && bytes <= end - at; }
  [[nodiscard]] std::string_view text(std::uint64_t at, std::uint64_t bytes) const {
    return {reinterpret_cast<const char*>(file_.data()) + at, bytes};
  }

  void find_directory() {
    constexpr std::uint64_t fixed = 22, longest = fixed + 65535;
    const std::uint64_t size = file_.size();
    std::uint64_t end = size;  // where the end record begins
    for (std::uint64_t back = fixed; back <= std::min(size, longest) && end == size; ++back) {
      if (number(size - back, 4) == 0x06054b50 && number(size - back + 20, 2) == back - fixed) end = size - back;
    }
    if (end == size) refuse_archive("the zip archive has no end record: the file was cut off or something was added to it; copy it again");
    if (number(end + 4, 2) != 0 || number(end + 6, 2) != 0) refuse_archive("a zip archive in several parts; join them first");
    std::uint64_t here = number(end + 8, 2), total = number(end + 10, 2);
    std::uint64_t length = number(end + 12, 4);
    directory_ = number(end + 16, 4);
    directory_end_ = end;
    if (end >= 20 && number(end - 20, 4) == 0x07064b50) {
      const std::uint64_t record = number(end - 12, 8);
      if (number(end - 16, 4) != 0 || number(end - 4, 4) != 1) refuse_archive("a zip64 archive in several parts; join them first");
      if (!inside(record, 56, end - 20) || number(record, 4) != 0x06064b50) refuse_archive("the zip64 end record is not at byte ", record);
      if (number(record + 4, 8) != end - 20 - record - 12) refuse_archive("the zip64 end record has a wrong length");
      if (number(record + 16, 4) != 0 || number(record + 20, 4) != 0) refuse_archive("a zip64 archive in several parts; join them first");
      const std::uint64_t long_here = number(record + 24, 8), long_total = number(record + 32, 8);
      const std::uint64_t long_length = number(record + 40, 8), long_directory = number(record + 48, 8);
      if ((here != 0xFFFF && here != long_here) || (total != 0xFFFF && total != long_total) ||
          (length != 0xFFFFFFFF && length != long_length) || (directory_ != 0xFFFFFFFF && directory_ != long_directory)) {
        refuse_archive("the zip64 end record disagrees with the short one");
      }
      here = long_here, total = long_total, length = long_length, directory_ = long_directory;
      directory_end_ = record;
    }
    if (here != total) refuse_archive("the zip end record counts ", here, " of ", total, " entries");
    if (total > max_entries_) refuse_archive("more than ", max_entries_, " zip entries: ", total);
    if (!inside(directory_, length, directory_end_) || length != directory_end_ - directory_) {
      refuse_archive("the zip directory of ", length, " bytes at byte ", directory_, " does not end at byte ", directory_end_);
    }
    if (total > length / 46) refuse_archive(total, " zip entries do not fit a directory of ", length, " bytes");
    count_ = total;
  }

  // Sizes in a zip64 field take the place of 0xFFFFFFFF, in a fixed order.
  void read_zip64(std::uint64_t at, std::uint64_t length, Sizes& sizes, bool with_header, const std::string& name) const {
    constexpr std::uint64_t unknown = 0xFFFFFFFF;
    const bool wanted = sizes.plain == unknown || sizes.stored == unknown || (with_header && sizes.header == unknown);
    for (const auto end = at + length; end - at >= 4;) {
      const auto kind = number(at, 2), bytes = number(at + 2, 2);
      at += 4;
      if (bytes > end - at) refuse_archive("an extra field of zip entry '", name, "' is longer than the header");
      if (kind == 1 && wanted) {
        auto from = at;
        for (auto* value : {&sizes.plain, &sizes.stored, with_header ? &sizes.header : nullptr}) {
          if (value == nullptr || *value != unknown) continue;
          if (at + bytes - from < 8) refuse_archive("the zip64 field of entry '", name, "' is too short");
          *value = number(from, 8);
          from += 8;
        }
        return;
      }
      at += bytes;
    }
    if (wanted) refuse_archive("the zip entry '", name, "' lacks its zip64 field");
  }

  static void check_name(const std::string& name) {
    if (name.empty() || name.find('\0') != std::string::npos || first_invalid_utf8(name) != name.size()) {
      refuse_archive("a zip entry has an empty name or one that is not text");
    }
    bool climbs = name.front() == '/' || name.find('\\') != std::string::npos || (name.size() > 1 && name[1] == ':');
    for (std::size_t at = 0; at <= name.size();) {
      const auto end = std::min(name.find('/', at), name.size());
      climbs = climbs || std::string_view(name).substr(at, end - at) == "..";
      at = end + 1;
    }
    if (climbs) refuse_archive("the zip entry '", name, "' names a place outside the archive");
  }

  Extent entry(std::uint64_t& at, std::uint64_t index) const {
    if (!inside(at, 46, directory_end_) || number(at, 4) != 0x02014b50) refuse_archive("zip directory entry ", index, " is not one");
    const auto flags = number(at + 8, 2), method = number(at + 10, 2);
    const auto name_length = number(at + 28, 2), extra = number(at + 30, 2), comment = number(at + 32, 2);
    Sizes sizes{.plain = number(at + 24, 4), .stored = number(at + 20, 4), .header = number(at + 42, 4)};
    Extent made;
    made.entry.crc = static_cast<std::uint32_t>(number(at + 16, 4));
    if (!inside(at + 46, name_length + extra + comment, directory_end_)) {
      refuse_archive("zip directory entry ", index, " is longer than the directory");
    }
    const std::string name(text(at + 46, name_length));
    check_name(name);
    if ((flags & 0x2041U) != 0) refuse_archive("the zip entry '", name, "' is encrypted; decrypt the archive first");
    if ((flags & ~0x0808U) != 0) refuse_archive("the zip entry '", name, "' has unknown flags ", flags);
    read_zip64(at + 46 + name_length, extra, sizes, true, name);
    if (method == 0 && sizes.plain != sizes.stored) {
      refuse_archive("the zip entry '", name, "' is stored in ", sizes.stored, " bytes but has ", sizes.plain);
    }
    at += 46 + name_length + extra + comment;
    made.entry.name = name;
    made.entry.method = method;
    made.begin = sizes.header;
    local(made, sizes, flags);
    return made;
  }

  // What stands before and after the data must say the same.
  void local(Extent& made, const Sizes& sizes, std::uint64_t flags) const {
    const auto& name = made.entry.name;
    const auto at = made.begin;
    if (!inside(at, 30, directory_) || number(at, 4) != 0x04034b50) refuse_archive("the zip entry '", name, "' has no header at byte ", at);
    const auto name_length = number(at + 26, 2), extra = number(at + 28, 2);
    const auto data = at + 30 + name_length + extra;
    if (!inside(at + 30, name_length + extra, directory_)) refuse_archive("the header of zip entry '", name, "' runs into the directory");
    if (text(at + 30, name_length) != name) refuse_archive("the zip entry '", name, "' has another name in its own header");
    if (number(at + 6, 2) != flags || number(at + 8, 2) != made.entry.method) {
      refuse_archive("the zip entry '", name, "' has other flags or another method in its own header");
    }
    if (!inside(data, sizes.stored, directory_)) {
      refuse_archive("the zip entry '", name, "' ends behind byte ", directory_, ", where the directory begins");
    }
    made.entry.bytes = file_.subspan(data, sizes.stored);
    made.end = data + sizes.stored;
    Sizes own{.plain = number(at + 22, 4), .stored = number(at + 18, 4)};
    const auto crc = number(at + 14, 4);
    const bool later = (flags & 8U) != 0;
    if (!later || crc != 0 || own.plain != 0 || own.stored != 0) {
      read_zip64(at + 30 + name_length, extra, own, false, name);
      if (crc != made.entry.crc || own.plain != sizes.plain || own.stored != sizes.stored) {
        refuse_archive("the zip entry '", name, "' has another size or checksum in its own header");
      }
    }
    if (later) describe_later(made, sizes);
  }
  void describe_later(Extent& made, const Sizes& sizes) const {
    const auto end = made.end;
    for (const std::size_t width : {4U, 8U}) {
      if (inside(end, 8 + 2 * width, directory_) && number(end, 4) == 0x08074b50 && number(end + 4, 4) == made.entry.crc &&
          number(end + 8, width) == sizes.stored && number(end + 8 + width, width) == sizes.plain) {
        made.end = end + 8 + 2 * width;
        return;
      }
    }
    refuse_archive("the zip entry '", made.entry.name, "' has another size or checksum in the record behind its data");
  }

  std::span<const std::byte> file_;
  std::size_t max_entries_;
  std::uint64_t directory_ = 0, directory_end_ = 0, count_ = 0;
};

}  // namespace mgca::io::detail

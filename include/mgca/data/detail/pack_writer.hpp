// A pack in the making: records go to NAME.part, their index entries to NAME.part-index, in order, each with the stamp of its image file;
// whatever ends the process, the records whose entry, checksum and stamp fit are kept and the next attempt goes on behind them. Only a
// finished pack gets its name.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>
#include <mgca/core/hash.hpp>
#include <mgca/core/mapped_file.hpp>
#include <mgca/core/parallel.hpp>
#include <mgca/data/detail/pack_layout.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mgca::detail {

struct PackPaths {
  std::filesystem::path finished, records, index;
  explicit PackPaths(const std::filesystem::path& out)
      : finished(out), records(out.string() + ".part"), index(out.string() + ".part-index") {}
};

inline constexpr std::uint64_t kPartEntryBytes = kPackEntryBytes + 8;

// By what a record of an unfinished pack is known to be that of the data set.
struct PackSource {
  std::uint64_t key = 0, stamp = 0;
};

// The entries of an unfinished pack up to the first that is damaged, of other data, of a file that has changed since or, unless `keep_bad`,
// without a picture.
// Throws Error(data) where it was begun with other data or options.
inline std::vector<PackEntry> kept_entries(const PackPaths& paths, const PackHeader& wanted, std::span<const PackSource> sources,
                                           bool keep_bad) {
  std::vector<PackEntry> kept;
  if (!std::filesystem::exists(paths.records) || !std::filesystem::exists(paths.index)) return kept;
  const MappedFile records(paths.records), index(paths.index);
  if (records.bytes().size() < kPackPage) return kept;
  std::string list;
  for (const auto& one : differences(read_pack_header(records.bytes(), paths.records.string()).content, wanted.content))
    list += "\n  " + one.path + ": begun with " + one.left + ", now " + one.right;
  if (!list.empty())
    fail(ErrorKind::data, paths.records.string(),
         ": an unfinished pack of other data or options; remove it, or choose another name. What differs:", list);
  for (std::size_t i = 0;
       i < sources.size() && (i + 1) * kPartEntryBytes <= index.bytes().size() && wanted.layout.record(i + 1) <= records.bytes().size(); ++i) {
    const auto bytes = index.bytes().subspan(i * kPartEntryBytes, kPartEntryBytes);
    const auto entry = pack_entry(bytes);
    if (!entry || entry->key != sources[i].key || (entry->bad && !keep_bad)) break;
    if (get<std::uint64_t>(bytes, kPackEntryBytes) != sources[i].stamp) break;
    kept.push_back(*entry);
  }
  std::atomic<std::size_t> whole = kept.size();  // records before the first damaged one
  parallel_for(static_cast<std::int64_t>(kept.size()), [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    if (checksum(records.bytes().subspan(wanted.layout.record(at), wanted.layout.stride)) == kept[at].checksum) return;
    for (auto before = whole.load(); at < before && !whole.compare_exchange_weak(before, at);) {}
  });
  kept.resize(whole);
  return kept;
}

// A file that grows, open for writing.
class GrowingFile {
 public:
  GrowingFile(Files& files, std::filesystem::path path, std::size_t size)
      : files_(&files), path_(std::move(path)), file_(files.append(path_, size)) {}
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;
  ~GrowingFile() {
    try {
      close();
    } catch (const Error&) {  // the failure that brought us here is the one to report
    }
  }
  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const auto written = files_->write(file_, bytes, path_);
      if (written == 0) fail_system(path_, "write", EIO);
      bytes = bytes.subspan(written);
    }
  }
  void sync() { files_->sync(file_, path_); }
  void close() {
    if (file_ >= 0) files_->close(std::exchange(file_, -1), path_);
  }

 private:
  Files* files_;
  std::filesystem::path path_;
  int file_;
};

class PackWriter {
 public:
  // Goes on behind the kept records.
  PackWriter(Files& files, const std::filesystem::path& out, const PackHeader& header, const std::vector<PackEntry>& kept)
      : files_(&files),
        paths_(out),
        layout_(header.layout),
        records_(files, paths_.records, kept.empty() ? 0 : layout_.record(kept.size())),
        index_(files, paths_.index, kept.size() * kPartEntryBytes) {
    if (kept.empty()) records_.write(pack_header(header.content, layout_));
    for (const auto& entry : kept) remember(entry);
  }

  // Records first: an entry says that its record is there.
  void add(std::span<const std::byte> records, std::span<const PackEntry> entries, std::span<const PackSource> sources) {
    records_.write(records);
    std::vector<std::byte> index;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      remember(entries[i]);
      index.insert(index.end(), entries_.end() - static_cast<std::ptrdiff_t>(kPackEntryBytes), entries_.end());
      put(index, sources[i].stamp);
    }
    index_.write(index);
  }
  [[nodiscard]] std::uint64_t written() const { return entries_.size() / kPackEntryBytes; }

  // After this the pack is on disk under its name, even through a power failure.
  void finish(std::span<const std::byte> token_rows) {
    MGCA_CHECK(written() == layout_.records && token_rows.size() == layout_.records * layout_.token_row, "pack: finished with ", written(),
               " of ", layout_.records, " records");
    std::vector<std::byte> seal;
    put(seal, checksum(entries_));
    put(seal, checksum(token_rows));
    put(seal, std::uint64_t{0});
    put(seal, checksum(seal));
    for (const auto part : {std::span<const std::byte>(entries_), token_rows, std::span<const std::byte>(seal)}) records_.write(part);
    records_.sync();
    files_->rename(paths_.records, paths_.finished);  // still open and so still locked
    const auto folder = paths_.finished.parent_path();
    files_->sync_folder(folder.empty() ? std::filesystem::path(".") : folder);
    records_.close();
    index_.close();
    files_->remove(paths_.index);
  }

 private:
  void remember(const PackEntry& entry) {
    const auto bytes = pack_entry_bytes(entry);
    entries_.insert(entries_.end(), bytes.begin(), bytes.end());
  }

  Files* files_;
  PackPaths paths_;
  PackLayout layout_;
  GrowingFile records_, index_;
  std::vector<std::byte> entries_;  // as written
};

}  // namespace mgca::detail

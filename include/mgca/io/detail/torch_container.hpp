// The two containers that torch.save has written: a zip archive (since 1.6) and, before, pickles followed by raw storages.
// Reference: torch/serialization.py (_save, _legacy_save).
#pragma once

#include <mgca/io/detail/crc32.hpp>
#include <mgca/io/detail/pickle_reader.hpp>
#include <mgca/io/detail/zip_directory.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace mgca::io::detail {

struct StorageBytes {
  std::span<const std::byte> bytes;
  std::optional<std::uint32_t> crc;  // zip only
};

struct TorchContents {
  PickleValues values;  // look into the bytes of the file
  std::map<std::string, StorageBytes, std::less<>> storages;
};

inline constexpr std::uint32_t kZipPolynomial = 0xEDB88320U;

// Bytes of a storage as the pickle declares it; nothing where the product does not fit.
[[nodiscard]] inline std::optional<std::uint64_t> declared_bytes(const StorageName& storage) {
  std::uint64_t bytes = storage.dtype ? size_of(*storage.dtype) : 1;
  if (__builtin_mul_overflow(bytes, storage.count, &bytes)) return std::nullopt;
  return bytes;
}

[[nodiscard]] inline bool is_zip(std::span<const std::byte> file) {
  return file.size() >= 4 && (std::memcmp(file.data(), "PK\3\4", 4) == 0 || std::memcmp(file.data(), "PK\5\6", 4) == 0);
}

// The first pickle is one large number, after a header that depends on the protocol.
inline constexpr std::string_view kLegacyMagic("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 13);
[[nodiscard]] inline bool is_legacy_torch(std::span<const std::byte> file) {
  const std::string_view start(reinterpret_cast<const char*>(file.data()), std::min<std::size_t>(file.size(), 24));
  const auto at = start.find(kLegacyMagic);
  return start.starts_with('\x80') && (at == 2 || (at == 11 && start[2] == '\x95'));
}

// Throws ArchiveProblem.
[[nodiscard]] inline TorchContents read_torch_zip(std::span<const std::byte> file, std::size_t max_entries, const PickleLimits& limits) {
  const auto entries = ZipReader(file, max_entries).read();
  std::string root;
  const ZipEntry* pickle = nullptr;
  for (const auto& [name, entry] : entries) {
    const auto slash = name.find('/');
    const bool inner = slash != std::string::npos && name.find('/', slash + 1) == std::string::npos;
    if (name != "data.pkl" && !(inner && name.ends_with("/data.pkl"))) continue;
    if (pickle != nullptr) refuse_archive("two tables of contents: '", pickle->name, "' and '", name, "'");
    pickle = &entry;
    root = name.substr(0, name.size() - 8);
  }
  const auto entry = [&](std::string_view name) {
    const auto found = entries.find(root + std::string(name));
    return found == entries.end() ? nullptr : &found->second;
  };
  const auto code = entries.lower_bound(root + "code/");
  if (entry("constants.pkl") != nullptr || (code != entries.end() && code->first.starts_with(root + "code/"))) {
    refuse_archive(
        "a TorchScript program (torch.jit.save), not a state dict. In Python: torch.save(torch.jit.load(FILE).state_dict(), NEW)");
  }
  for (const auto& [name, part] : entries) {
    if (part.method == 0) continue;
    refuse_archive("the zip entry '", name, "' is compressed (method ", part.method,
                   "), torch.save only stores; unpack it and write it again with `zip -0`");
  }
  if (pickle == nullptr) refuse_archive("a zip archive without data.pkl: not written by torch.save");
  const auto checked = [](const ZipEntry& part) {
    if (crc32<kZipPolynomial>(part.bytes) != part.crc) {
      refuse_archive("the zip entry '", part.name, "' is damaged: its checksum differs; copy the file again");
    }
    return part.bytes;
  };
  if (const auto* order = entry("byteorder")) {
    const auto bytes = checked(*order);
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text == "big") refuse_archive("written by a big-endian machine; load it with Python and save it as safetensors");
    if (text != "little") refuse_archive("the zip entry '", order->name, "' says neither little nor big");
  }
  const auto bytes = checked(*pickle);
  TorchContents contents;
  std::size_t length = 0;
  try {
    contents.values = PickleReader(bytes, limits).read(length);
    if (length != bytes.size()) refuse_archive(bytes.size() - length, " bytes follow the end of the pickle");
  } catch (const ArchiveProblem& problem) {
    refuse_archive(pickle->name, ": ", problem.what());
  }
  const auto prefix = root + "data/";
  for (auto at = entries.lower_bound(prefix); at != entries.end() && at->first.starts_with(prefix); ++at) {
    contents.storages.emplace(at->first.substr(prefix.size()), StorageBytes{at->second.bytes, at->second.crc});
  }
  return contents;
}

// Four pickles (magic, protocol, machine, object), one with the keys of the storages, then each storage: number of
// elements and data.
class LegacyReader {
 public:
  LegacyReader(std::span<const std::byte> file, const PickleLimits& limits) : file_(file), limits_(limits) {}

  // Throws ArchiveProblem.
  TorchContents read() {
    (void)pickle("magic number");
    const auto protocol = pickle("protocol");
    const auto& version = protocol.at(protocol.root);
    if (version.kind != ValueKind::integer || version.integer != 1001) refuse_archive("a container protocol other than 1001");
    machine(pickle("machine"));
    TorchContents contents;
    contents.values = pickle("object");
    const auto keys = pickle("storage keys");
    const auto& list = keys.at(keys.root);
    if (list.kind != ValueKind::list) refuse_archive("the storage keys are no list");
    std::unordered_map<std::string_view, const StorageName*> declared;
    for (const auto& storage : contents.values.storages) declared.emplace(storage.key, &storage);
    for (const auto id : list.items) {
      const auto& key = keys.at(id);
      if (key.kind != ValueKind::text) refuse_archive("a storage key that is not text");
      const auto known = declared.find(key.text);
      if (known == declared.end()) refuse_archive("the storage '", key.text, "' belongs to no tensor");
      if (!contents.storages.emplace(key.text, StorageBytes{storage(*known->second), std::nullopt}).second) {
        refuse_archive("the storage '", key.text, "' appears twice");
      }
    }
    if (at_ != file_.size()) refuse_archive(file_.size() - at_, " bytes follow the last storage");
    return contents;
  }

 private:
  PickleValues pickle(const char* what) {
    std::size_t length = 0;
    try {
      auto values = PickleReader(file_.subspan(at_), limits_).read(length);
      at_ += length;
      return values;
    } catch (const ArchiveProblem& problem) {
      refuse_archive("the pickle of the ", what, " at byte ", at_, ": ", problem.what());
    }
  }
  static void machine(const PickleValues& values) {
    const auto& items = values.at(values.root).items;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      if (values.at(items[i]).text != "little_endian") continue;
      const auto& little = values.at(items[i + 1]);
      if (little.kind == ValueKind::boolean && little.integer == 1) return;
      refuse_archive("written by a big-endian machine; load it with Python and save it as safetensors");
    }
    refuse_archive("the description of the machine does not say little_endian");
  }
  std::span<const std::byte> storage(const StorageName& declared) {
    if (file_.size() - at_ < 8) refuse_archive("the file ends before the storage '", declared.key, "'");
    std::uint64_t count = 0;
    std::memcpy(&count, file_.data() + at_, 8);
    at_ += 8;
    if (count != declared.count) {
      refuse_archive("the storage '", declared.key, "' has ", count, " elements, the pickle says ", declared.count);
    }
    const auto bytes = declared_bytes(declared);
    if (!bytes || *bytes > file_.size() - at_) {
      refuse_archive("the storage '", declared.key, "' of ", count, " elements is longer than the ", file_.size() - at_, " bytes left");
    }
    const auto found = file_.subspan(at_, *bytes);
    at_ += *bytes;
    return found;
  }

  std::span<const std::byte> file_;
  PickleLimits limits_;
  std::size_t at_ = 0;
};

}  // namespace mgca::io::detail

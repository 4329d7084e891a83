// Tensors in a file, the safetensors format: read only what is provably inside, write only what reads back.
// Reference: https://github.com/huggingface/safetensors, section "Format".
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>
#include <mgca/core/mapped_file.hpp>
#include <mgca/core/nearest.hpp>
#include <mgca/io/detail/safetensors_header.hpp>
#include <mgca/io/tensor_info.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca::io {

struct TensorRecord {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;  // empty: a scalar
  std::span<const std::byte> bytes; // little-endian, row-major
};

struct SafetensorsLimits {
  std::uint64_t header_bytes = 100'000'000;
  std::size_t tensors = 1'000'000;
  std::size_t rank = 16;
};

class Safetensors {
 public:
  Safetensors(Safetensors&&) = default;
  Safetensors& operator=(Safetensors&&) = default;
  Safetensors(const Safetensors&) = delete;  // the records look into the bytes
  Safetensors& operator=(const Safetensors&) = delete;

  // The data stay in the file, mapped into memory, until somebody reads them. Throws Error(system) for an unreadable file,
  // Error(data) for a damaged one.
  [[nodiscard]] static Safetensors read(const std::filesystem::path& path, const SafetensorsLimits& limits = {}) {
    Safetensors file;
    file.mapped_.emplace(path);
    file.source_ = path.string();
    file.open(file.mapped_->bytes(), limits);
    return file;
  }
  // `source` names the bytes in errors.
  [[nodiscard]] static Safetensors parse(std::vector<std::byte> bytes, std::string source, const SafetensorsLimits& limits = {}) {
    Safetensors file;
    file.held_ = std::move(bytes);
    file.source_ = std::move(source);
    file.open(file.held_, limits);
    return file;
  }

  // In the order of their data.
  [[nodiscard]] std::span<const TensorRecord> tensors() const { return tensors_; }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  [[nodiscard]] const TensorRecord* find(std::string_view name) const {
    const auto it = index_.find(name);
    return it == index_.end() ? nullptr : &tensors_[it->second];
  }
  // Throws Error(data) with the nearest names.
  [[nodiscard]] const TensorRecord& at(std::string_view name) const {
    if (const auto* found = find(name)) return *found;
    std::vector<std::string> known;
    for (const auto& tensor : tensors_) known.push_back(tensor.name);
    fail(ErrorKind::data, source_, ": no tensor '", name, "'", nearest_hint(name, known));
  }

 private:
  Safetensors() = default;

  template <class... Pieces>
  [[noreturn]] void refuse(const Pieces&... pieces) const {
    fail(ErrorKind::data, source_, ": not a valid safetensors file: ", pieces...);
  }

  void open(std::span<const std::byte> bytes, const SafetensorsLimits& limits) {
    if (bytes.size() < 8) refuse("it has ", bytes.size(), " bytes, a header length needs 8");
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < 8; ++i) length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
    if (length > limits.header_bytes) refuse("header length ", length, " is over the limit ", limits.header_bytes);
    if (length > bytes.size() - 8) refuse("header length ", length, " is more than the ", bytes.size() - 8, " bytes that follow");
    const auto data = bytes.subspan(8 + length);
    detail::SafetensorsHeader header;
    try {
      header = detail::read_safetensors_header({reinterpret_cast<const char*>(bytes.data()) + 8, length}, limits.tensors, limits.rank);
    } catch (const detail::HeaderProblem& problem) {
      refuse(problem.what());
    }
    metadata_ = std::move(header.metadata);
    std::stable_sort(header.entries.begin(), header.entries.end(), [](const auto& a, const auto& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    std::uint64_t covered = 0;
    for (auto& entry : header.entries) {
      tensors_.push_back(checked(entry, covered, data));
      covered = entry.end;
    }
    if (covered != data.size()) refuse("tensors cover ", covered, " of ", data.size(), " data bytes");
    for (std::size_t i = 0; i < tensors_.size(); ++i) index_.emplace(tensors_[i].name, i);
  }

  // The format leaves no holes and no overlaps: each tensor begins where the one before it ends.
  [[nodiscard]] TensorRecord checked(detail::HeaderEntry& entry, std::uint64_t covered, std::span<const std::byte> data) const {
    constexpr auto names = names_of(Dtype{});
    const auto known = std::find(names.begin(), names.end(), entry.dtype);
    if (known == names.end() || entry.dtype == to_string(Dtype::c128)) {
      refuse("tensor '", entry.name, "' has the unsupported dtype '", entry.dtype, "'");
    }
    TensorRecord record{.name = std::move(entry.name), .dtype = static_cast<Dtype>(known - names.begin())};
    for (const auto side : entry.shape) {
      if (side > INT64_MAX) refuse("the shape of tensor '", record.name, "' overflows");
      record.shape.push_back(static_cast<std::int64_t>(side));
    }
    const auto size = byte_count(record.dtype, record.shape);
    if (!size) refuse("the shape of tensor '", record.name, "' overflows or does not fill its last byte");
    if (entry.end < entry.begin) refuse("tensor '", record.name, "' ends before it begins");
    if (entry.end > data.size()) refuse("tensor '", record.name, "' ends at byte ", entry.end, " of ", data.size());
    if (entry.begin != covered) refuse("tensor '", record.name, "' begins at byte ", entry.begin, ", expected ", covered);
    if (entry.end - entry.begin != *size) {
      refuse("tensor '", record.name, "' has ", entry.end - entry.begin, " bytes, its shape needs ", *size);
    }
    record.bytes = data.subspan(entry.begin, *size);
    return record;
  }

  std::optional<MappedFile> mapped_;  // one of these two has the bytes
  std::vector<std::byte> held_;
  std::string source_;
  std::vector<TensorRecord> tensors_;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

// The bytes of tensor i, row-major and little-endian; `scratch` is memory for a tensor that must be made first.
using TensorSource = std::function<std::span<const std::byte>(std::size_t i, std::vector<std::byte>& scratch)>;

namespace detail {

[[nodiscard]] inline std::vector<TensorInfo> infos_of(std::span<const TensorRecord> tensors) {
  std::vector<TensorInfo> infos;
  for (const auto& tensor : tensors) infos.push_back({tensor.name, tensor.dtype, tensor.shape});
  return infos;
}

// Bytes of a tensor that is to be written. Throws Error(argument).
[[nodiscard]] inline std::uint64_t written_size(std::string_view writer, const TensorInfo& tensor) {
  const auto size = byte_count(tensor.dtype, tensor.shape);
  MGCA_CHECK(size, writer, ": tensor '", tensor.name, "' has a negative side or an impossible size");
  return *size;
}
inline void check_written(std::string_view writer, const TensorInfo& tensor, std::span<const std::byte> bytes) {
  const auto size = written_size(writer, tensor);
  MGCA_CHECK(size == bytes.size(), writer, ": tensor '", tensor.name, "' has ", bytes.size(), " bytes, its shape needs ", size);
}

// Length and header of a file with these tensors, their data following in this order. What it makes, it has read back.
// Throws Error(argument) for names that repeat or are not UTF-8, and for types that the format lacks.
inline std::vector<std::byte> safetensors_preamble(std::span<const TensorInfo> tensors,
                                                   const std::map<std::string, std::string>& metadata) {
  std::string header = "{";
  if (!metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) {
      header += (header.back() == '{' ? "" : ",") + json_string(key) + ":" + json_string(value);
    }
    header += "}";
  }
  std::uint64_t offset = 0;
  for (const auto& tensor : tensors) {
    MGCA_CHECK(tensor.dtype != Dtype::c128, "safetensors: tensor '", tensor.name,
               "' is of type C128, which the format lacks; convert it to C64");
    const auto size = written_size("safetensors", tensor);
    std::string shape;
    for (const auto side : tensor.shape) shape += (shape.empty() ? "" : ",") + std::to_string(side);
    header += (header.back() == '{' ? "" : ",") + json_string(tensor.name) + ":{\"dtype\":\"" +
              std::string(to_string(tensor.dtype)) + "\",\"shape\":[" + shape + "],\"data_offsets\":[" +
              std::to_string(offset) + "," + std::to_string(offset + size) + "]}";
    offset += size;
  }
  header += "}";
  try {
    (void)read_safetensors_header(header, SafetensorsLimits{}.tensors, SafetensorsLimits{}.rank);
  } catch (const HeaderProblem& problem) {
    fail(ErrorKind::argument, "safetensors: these tensors cannot be written: ", problem.what());
  }
  header.append((8 - header.size() % 8) % 8, ' ');  // the data begins aligned
  std::vector<std::byte> bytes(8 + header.size());
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::byte>(header.size() >> (8 * i) & 0xFFU);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

}  // namespace detail

[[nodiscard]] inline std::vector<std::byte> serialize_safetensors(std::span<const TensorRecord> tensors,
                                                                  const std::map<std::string, std::string>& metadata = {}) {
  const auto infos = detail::infos_of(tensors);
  auto bytes = detail::safetensors_preamble(infos, metadata);
  for (std::size_t i = 0; i < infos.size(); ++i) {
    detail::check_written("safetensors", infos[i], tensors[i].bytes);
    bytes.insert(bytes.end(), tensors[i].bytes.begin(), tensors[i].bytes.end());
  }
  return bytes;
}

// Replaces the file as a whole, with never more than one tensor in memory. Throws Error(argument) and leaves the old file
// where the bytes do not fit the shape.
inline void write_safetensors(Files& files, const std::filesystem::path& path, std::span<const TensorInfo> tensors,
                              const std::map<std::string, std::string>& metadata, const TensorSource& source) {
  const auto preamble = detail::safetensors_preamble(tensors, metadata);
  AtomicFile file(files, path);
  file.write(preamble);
  std::vector<std::byte> scratch;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto bytes = source(i, scratch);
    detail::check_written("safetensors", tensors[i], bytes);
    file.write(bytes);
  }
  file.commit();
}
inline void write_safetensors(Files& files, const std::filesystem::path& path, std::span<const TensorRecord> tensors,
                              const std::map<std::string, std::string>& metadata) {
  write_safetensors(files, path, detail::infos_of(tensors), metadata, [&](std::size_t i, auto&) { return tensors[i].bytes; });
}
inline void write_safetensors(const std::filesystem::path& path, std::span<const TensorRecord> tensors,
                              const std::map<std::string, std::string>& metadata = {}) {
  write_safetensors(posix_files(), path, tensors, metadata);
}

}  // namespace mgca::io

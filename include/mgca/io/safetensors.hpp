// Tensors in a file, the safetensors format: read only what is provably inside, write only what reads back.
// Reference: https://github.com/huggingface/safetensors, section "Format".
#pragma once

#include <mgca/core/enum.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>
#include <mgca/core/nearest.hpp>
#include <mgca/io/detail/safetensors_header.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca::io {

enum class Dtype : std::uint8_t { boolean, u8, i8, i16, u16, i32, u32, i64, u64, f16, bf16, f32, f64 };
constexpr auto names_of(Dtype) {
  return std::to_array<std::string_view>({"BOOL", "U8", "I8", "I16", "U16", "I32", "U32", "I64", "U64", "F16", "BF16", "F32", "F64"});
}
[[nodiscard]] constexpr std::size_t size_of(Dtype dtype) {
  constexpr std::array<std::size_t, 13> sizes{1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 8};
  return sizes[static_cast<std::size_t>(dtype)];
}

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
    if (known == names.end()) refuse("tensor '", entry.name, "' has the unsupported dtype '", entry.dtype, "'");
    TensorRecord record{.name = std::move(entry.name), .dtype = static_cast<Dtype>(known - names.begin())};
    std::uint64_t size = size_of(record.dtype);
    for (const auto side : entry.shape) {
      if (__builtin_mul_overflow(size, side, &size) || side > INT64_MAX) refuse("the shape of tensor '", record.name, "' overflows");
      record.shape.push_back(static_cast<std::int64_t>(side));
    }
    if (entry.end < entry.begin) refuse("tensor '", record.name, "' ends before it begins");
    if (entry.end > data.size()) refuse("tensor '", record.name, "' ends at byte ", entry.end, " of ", data.size());
    if (entry.begin != covered) refuse("tensor '", record.name, "' begins at byte ", entry.begin, ", expected ", covered);
    if (entry.end - entry.begin != size) refuse("tensor '", record.name, "' has ", entry.end - entry.begin, " bytes, its shape needs ", size);
    record.bytes = data.subspan(entry.begin, size);
    return record;
  }

  std::optional<MappedFile> mapped_;  // one of these two has the bytes
  std::vector<std::byte> held_;
  std::string source_;
  std::vector<TensorRecord> tensors_;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

namespace detail {

// Length and header of a file with these tensors, their data following in this order. What it makes, it has read back.
// Throws Error(argument) for names that repeat or are not UTF-8, and for bytes that do not fit their shape.
inline std::vector<std::byte> safetensors_preamble(std::span<const TensorRecord> tensors,
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
    std::uint64_t size = size_of(tensor.dtype);
    std::string shape;
    for (const auto side : tensor.shape) {
      MGCA_CHECK(side >= 0 && !__builtin_mul_overflow(size, static_cast<std::uint64_t>(side), &size), "safetensors: tensor '",
                 tensor.name, "' has a negative side or an impossible size, side ", side);
      shape += (shape.empty() ? "" : ",") + std::to_string(side);
    }
    MGCA_CHECK(size == tensor.bytes.size(), "safetensors: tensor '", tensor.name, "' has ", tensor.bytes.size(),
               " bytes, its shape needs ", size);
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
  auto bytes = detail::safetensors_preamble(tensors, metadata);
  for (const auto& tensor : tensors) bytes.insert(bytes.end(), tensor.bytes.begin(), tensor.bytes.end());
  return bytes;
}

// Replaces the file as a whole, without a second copy of the data in memory.
inline void write_safetensors(Files& files, const std::filesystem::path& path, std::span<const TensorRecord> tensors,
                              const std::map<std::string, std::string>& metadata) {
  const auto preamble = detail::safetensors_preamble(tensors, metadata);
  AtomicFile file(files, path);
  file.write(preamble);
  for (const auto& tensor : tensors) file.write(tensor.bytes);
  file.commit();
}
inline void write_safetensors(const std::filesystem::path& path, std::span<const TensorRecord> tensors,
                              const std::map<std::string, std::string>& metadata = {}) {
  write_safetensors(posix_files(), path, tensors, metadata);
}

}  // namespace mgca::io

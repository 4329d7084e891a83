// Scalars for TensorBoard: framed records with masked CRC-32C around hand-written protocol buffers.
// Reference: tensorflow/core/lib/io/record_writer.h (format) and tensorflow/core/util/event.proto (fields).
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>
#include <mgca/io/detail/crc32.hpp>

#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

namespace mgca::io {

// CRC-32C (Castagnoli) of bytes.
[[nodiscard]] inline std::uint32_t crc32c(std::string_view bytes) { return detail::crc32<0x82F63B78U>(std::as_bytes(std::span(bytes))); }

namespace detail {

inline void append_little(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFFU);
}
inline void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7FU) | 0x80U);
  out += static_cast<char>(value);
}
inline void append_bytes(std::string& out, char key, std::string_view bytes) {
  out += key;
  append_varint(out, bytes.size());
  out += bytes;
}
inline std::uint32_t masked_crc(std::string_view bytes) { return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U; }

}  // namespace detail

// A record as it stands in the file: length, its checksum, the bytes, their checksum.
[[nodiscard]] inline std::string framed_record(std::string_view bytes) {
  std::string out;
  detail::append_little(out, bytes.size(), 8);
  detail::append_little(out, detail::masked_crc(out), 4);
  out += bytes;
  detail::append_little(out, detail::masked_crc(bytes), 4);
  return out;
}

struct ScalarEvent {
  std::string_view tag;
  double value = 0;
  std::int64_t step = 0;
};

class EventFile {
 public:
  // Begins a new file in the folder, which is made if need be. Throws Error(system).
  explicit EventFile(const std::filesystem::path& folder) {
    std::error_code code;
    std::filesystem::create_directories(folder, code);
    if (code) fail_system(folder, "create the folder", code.value());
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    path_ = folder / ("events.out.tfevents." + std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(now).count()) + ".mgca");
    file_.open(path_, std::ios::binary | std::ios::app);
    std::string version;
    detail::append_bytes(version, 0x1A, "brain.Event:2");  // field 3: file_version
    append(version);
  }

  void add(const ScalarEvent& event) {
    std::string value, summary, body;
    detail::append_bytes(value, 0x0A, event.tag);  // Value.tag
    value += 0x15;                                 // Value.simple_value, 32-bit float
    detail::append_little(value, std::bit_cast<std::uint32_t>(static_cast<float>(event.value)), 4);
    detail::append_bytes(summary, 0x0A, value);    // Summary.value
    body += 0x10;                                  // Event.step
    detail::append_varint(body, static_cast<std::uint64_t>(event.step));
    detail::append_bytes(body, 0x2A, summary);     // Event.summary
    append(body);
  }

  void flush() {
    file_.flush();
    if (!file_) fail_system(path_, "write", errno != 0 ? errno : EIO);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  void append(const std::string& body) {
    std::string event;
    event += 0x09;  // Event.wall_time, 64-bit float
    const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    detail::append_little(event, std::bit_cast<std::uint64_t>(now), 8);
    const auto record = framed_record(event + body);
    file_.write(record.data(), static_cast<std::streamsize>(record.size()));
    flush();
  }

  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace mgca::io

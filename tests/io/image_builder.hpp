// PNG and JPEG files written piece by piece, so that every lie a file can tell can be told.
#pragma once

#include <mgca/io/detail/crc32.hpp>

#include <zlib.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::test {

using Bytes = std::vector<std::byte>;

inline void append(Bytes& to, std::span<const std::byte> bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }
inline void append_big_endian(Bytes& to, std::uint64_t value, int count) {
  for (int i = count - 1; i >= 0; --i) to.push_back(static_cast<std::byte>(value >> (8 * i)));
}

struct PngHeader {
  std::uint32_t width = 8, height = 8;
  int depth = 8, color = 0, interlace = 0;
};

class PngBuilder {
 public:
  explicit PngBuilder(const PngHeader& header) {
    append_big_endian(bytes_, 0x89504E470D0A1A0AULL, 8);
    Bytes data;
    append_big_endian(data, header.width, 4);
    append_big_endian(data, header.height, 4);
    for (const int value : {header.depth, header.color, 0, 0, header.interlace})
      append_big_endian(data, static_cast<std::uint64_t>(value), 1);
    chunk("IHDR", data);
  }
  // With a checksum that fits.
  PngBuilder& chunk(std::string_view type, std::span<const std::byte> data) {
    append_big_endian(bytes_, data.size(), 4);
    const auto start = bytes_.size();
    append(bytes_, std::as_bytes(std::span(type)));
    append(bytes_, data);
    append_big_endian(bytes_, io::detail::crc32<0xEDB88320U>(std::span(bytes_).subspan(start)), 4);
    return *this;
  }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] Bytes end() {
    chunk("IEND", {});
    return bytes_;
  }

 private:
  Bytes bytes_;
};

// `count` zeros as deflate blocks that end at a byte: about a thousandth of it.
inline Bytes deflated_blocks(std::size_t count, int flush) {
  std::vector<Bytef> zeros(count);
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
  Bytes out(count / 900 + 4096);
  stream.next_in = zeros.data();
  stream.avail_in = static_cast<uInt>(count);
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, flush);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}
// `count` zeros as a zlib stream. Only a megabyte of them is ever deflated.
inline Bytes deflated_zeros(std::size_t count) {
  constexpr std::size_t kMegabyte = 1 << 20;
  Bytes out;
  append_big_endian(out, 0x78DA, 2);
  if (count >= kMegabyte) {
    const auto block = deflated_blocks(kMegabyte, Z_FULL_FLUSH);
    for (std::size_t i = 0; i < count / kMegabyte; ++i) append(out, block);
  }
  append(out, deflated_blocks(count % kMegabyte, Z_FINISH));
  append_big_endian(out, count % 65521 << 16 | 1, 4);  // Adler-32 of zeros
  return out;
}

// The place of the first segment with this marker; its length field follows the two marker bytes.
inline std::size_t jpeg_segment(std::span<const std::byte> bytes, unsigned marker) {
  for (std::size_t at = 2; at + 4 <= bytes.size();) {
    if (std::to_integer<unsigned>(bytes[at + 1]) == marker) return at;
    at += 2 + (std::to_integer<std::size_t>(bytes[at + 2]) << 8 | std::to_integer<std::size_t>(bytes[at + 3]));
  }
  return bytes.size();
}

}  // namespace mgca::test

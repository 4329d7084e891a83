// CRC-32 by the reversed polynomial: 0xEDB88320 in PNG, 0x82F63B78 (Castagnoli) in event files. Eight bytes a step.
// Reference: Kounavis and Berry, "A systematic approach to building high performance software-based CRC generators", 2005.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace mgca::io::detail {

template <std::uint32_t Polynomial>
inline constexpr auto kCrcTables = [] {  // eight of 256 entries
  std::array<std::uint32_t, 8 * 256> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = (c & 1U) != 0 ? Polynomial ^ (c >> 1) : c >> 1;
    tables[i] = c;
  }
  for (std::size_t i = 256; i < tables.size(); ++i) tables[i] = tables[tables[i - 256] & 0xFFU] ^ tables[i - 256] >> 8;
  return tables;
}();

// `before` is the result for the bytes that precede these.
template <std::uint32_t Polynomial>
[[nodiscard]] inline std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t before = 0) {
  static_assert(std::endian::native == std::endian::little, "eight bytes are read as one little-endian number");
  const std::uint32_t* const t = kCrcTables<Polynomial>.data();
  std::uint32_t crc = ~before;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t v = 0;
    std::memcpy(&v, at, 8);
    v ^= crc;
    crc = t[1792 + (v & 0xFF)] ^ t[1536 + (v >> 8 & 0xFF)] ^ t[1280 + (v >> 16 & 0xFF)] ^ t[1024 + (v >> 24 & 0xFF)] ^
          t[768 + (v >> 32 & 0xFF)] ^ t[512 + (v >> 40 & 0xFF)] ^ t[256 + (v >> 48 & 0xFF)] ^ t[v >> 56];
  }
  for (; left > 0; ++at, --left) crc = t[(crc ^ static_cast<std::uint32_t>(*at)) & 0xFFU] ^ crc >> 8;
  return ~crc;
}

}  // namespace mgca::io::detail

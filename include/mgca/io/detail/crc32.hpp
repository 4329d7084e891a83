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
inline constexpr auto kCrcTables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = (c & 1U) != 0 ? Polynomial ^ (c >> 1) : c >> 1;
    tables[0][i] = c;
  }
  for (std::size_t t = 1; t < 8; ++t) {
    for (std::size_t i = 0; i < 256; ++i) tables[t][i] = tables[0][tables[t - 1][i] & 0xFFU] ^ tables[t - 1][i] >> 8;
  }
  return tables;
}();

// `before` is the result for the bytes that precede these.
template <std::uint32_t Polynomial>
[[nodiscard]] inline std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t before = 0) {
  static_assert(std::endian::native == std::endian::little, "eight bytes are read as one little-endian number");
  constexpr auto& t = kCrcTables<Polynomial>;
  std::uint32_t crc = ~before;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    std::uint64_t v = 0;
    std::memcpy(&v, bytes.data(), 8);
    v ^= crc;
    crc = t[7][v & 0xFF] ^ t[6][v >> 8 & 0xFF] ^ t[5][v >> 16 & 0xFF] ^ t[4][v >> 24 & 0xFF] ^ t[3][v >> 32 & 0xFF] ^
          t[2][v >> 40 & 0xFF] ^ t[1][v >> 48 & 0xFF] ^ t[0][v >> 56];
  }
  for (const auto byte : bytes) crc = t[0][(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xFFU] ^ crc >> 8;
  return ~crc;
}

}  // namespace mgca::io::detail

// What must hold for a PNG or JPEG file before a decoder sees it: whole, unchanged, and of a size we are willing to hold.
// Decoders accept truncated and damaged files or allocate what a header claims; these checks do neither.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace mgca::io::detail {

struct ImageProblem : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct ContainerLimits {
  std::int64_t pixels;
  std::int64_t side;
  int scans;
};

struct ContainerSize {
  std::int64_t height = 0;
  std::int64_t width = 0;
  int orientation = 1;  // EXIF, 1 to 8
};

inline std::uint32_t big_endian(std::span<const std::byte> bytes, std::size_t at, int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + static_cast<std::size_t>(i)]);
  return value;
}

inline void check_size(const ContainerSize& size, const ContainerLimits& limits) {
  if (size.height <= 0 || size.width <= 0) throw ImageProblem("a side of 0 pixels");
  if (size.height > limits.side || size.width > limits.side || size.height * size.width > limits.pixels) {
    throw ImageProblem(std::to_string(size.width) + " x " + std::to_string(size.height) + " pixels are over the limit of " +
                       std::to_string(limits.pixels) + " in all and " + std::to_string(limits.side) + " per side");
  }
}

inline bool is_png(std::span<const std::byte> b) { return b.size() >= 8 && big_endian(b, 0, 4) == 0x89504E47U && big_endian(b, 4, 4) == 0x0D0A1A0AU; }
inline bool is_jpeg(std::span<const std::byte> b) { return b.size() >= 3 && big_endian(b, 0, 3) == 0xFFD8FFU; }

// Every chunk within the file and with its checksum; a header first, an end last.
inline ContainerSize check_png(std::span<const std::byte> b, const ContainerLimits& limits) {
  ContainerSize size;
  bool ended = false, has_data = false;
  for (std::size_t at = 8; at < b.size();) {
    if (ended) break;  // bytes behind the end are legal, and ignored
    if (b.size() - at < 12) throw ImageProblem("the file ends inside a chunk");
    const std::size_t length = big_endian(b, at, 4);
    if (length > b.size() - at - 12) throw ImageProblem("the file ends inside a chunk");
    const auto type = big_endian(b, at + 4, 4);
    const auto crc = ::crc32(0, reinterpret_cast<const Bytef*>(b.data() + at + 4), static_cast<uInt>(length + 4));
    if (crc != big_endian(b, at + 8 + length, 4)) throw ImageProblem("a chunk does not match its checksum");
    if (at == 8) {
      if (type != 0x49484452U || length != 13) throw ImageProblem("the file does not begin with a header chunk");
      size = {.height = big_endian(b, at + 12, 4), .width = big_endian(b, at + 8, 4)};
      check_size(size, limits);
    }
    has_data = has_data || type == 0x49444154U;
    ended = type == 0x49454E44U;
    at += 12 + length;
  }
  if (!ended) throw ImageProblem("the end chunk is missing; the file is cut off");
  if (!has_data) throw ImageProblem("there is no pixel data");
  return size;
}

// The orientation tag of an EXIF block, or 1.
inline int exif_orientation(std::span<const std::byte> b) {
  if (b.size() < 14 || big_endian(b, 0, 4) != 0x45786966U) return 1;  // "Exif"
  const auto tiff = b.subspan(6);
  const bool little = big_endian(tiff, 0, 2) == 0x4949U;
  const auto number = [&](std::size_t at, int count) -> std::uint32_t {
    if (at + static_cast<std::size_t>(count) > tiff.size()) return 0;
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
      const auto byte = std::to_integer<std::uint32_t>(tiff[at + static_cast<std::size_t>(little ? count - 1 - i : i)]);
      value = value << 8 | byte;
    }
    return value;
  };
  const std::size_t directory = number(4, 4);
  const auto entries = number(directory, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t at = directory + 2 + 12 * i;
    if (number(at, 2) == 0x0112U) {
      const auto value = number(at + 8, 2);
      return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
  }
  return 1;
}

// A walk over the markers: sizes sane, the number of scans limited, an end of image reached.
inline ContainerSize check_jpeg(std::span<const std::byte> b, const ContainerLimits& limits) {
  ContainerSize size;
  int orientation = 1, scans = 0;
  std::size_t at = 2;
  for (;;) {
    while (at + 1 < b.size() && b[at] == std::byte{0xFF} && b[at + 1] == std::byte{0xFF}) ++at;  // fill bytes
    if (at + 2 > b.size()) throw ImageProblem("the end-of-image marker is missing; the file is cut off");
    if (b[at] != std::byte{0xFF}) throw ImageProblem("bytes that belong to no segment");
    const auto marker = std::to_integer<unsigned>(b[at + 1]);
    at += 2;
    if (marker == 0xD9) break;
    if (at + 2 > b.size()) throw ImageProblem("the file ends inside a segment");
    const std::size_t length = big_endian(b, at, 2);
    if (length < 2 || length > b.size() - at) throw ImageProblem("the file ends inside a segment");
    const bool frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
    if (frame) {
      if (length < 8) throw ImageProblem("a frame header is too short");
      size.height = big_endian(b, at + 3, 2);
      size.width = big_endian(b, at + 5, 2);
      check_size(size, limits);
    }
    if (marker == 0xE1) orientation = exif_orientation(b.subspan(at + 2, length - 2));
    at += length;
    if (marker != 0xDA) continue;
    if (++scans > limits.scans) throw ImageProblem("more than " + std::to_string(limits.scans) + " scans");
    // Entropy-coded data: up to a marker that is neither a stuffed byte nor a restart.
    while (at + 1 < b.size()) {
      const auto next = std::to_integer<unsigned>(b[at + 1]);
      if (b[at] == std::byte{0xFF} && next != 0 && !(next >= 0xD0 && next <= 0xD7) && next != 0xFF) break;
      ++at;
    }
  }
  if (size.height == 0 || scans == 0) throw ImageProblem("there is no picture in it");
  size.orientation = orientation;
  return size;
}

}  // namespace mgca::io::detail

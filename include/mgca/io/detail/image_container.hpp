// What must hold for a PNG or JPEG file before a decoder sees it: whole, unchanged, and of a size we are willing to hold.
// Decoders accept truncated and damaged files or allocate what a header claims; these checks do neither.
#pragma once

#include <mgca/core/plane.hpp>
#include <mgca/io/detail/crc32.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>

namespace mgca::io {

// What a decoder made of a file.
struct DecodedImage {
  GreyImage image;
  ImageSize full;      // of the picture before it was reduced
  int reduction = 1;   // of a JPEG decoded at 1 / this, sides rounded up
  std::string damage;  // what was tolerated; empty: nothing
};

}  // namespace mgca::io

namespace mgca::io::detail {

struct ImageProblem : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct ContainerLimits {
  std::int64_t pixels;
  std::int64_t side;
  int scans;
  int chunks;
  bool tolerant = false;  // of a JPEG that ends early
};

struct ContainerSize {
  std::int64_t height = 0;
  std::int64_t width = 0;
  int orientation = 1;         // EXIF, 1 to 8
  std::int64_t raw_bytes = 0;  // PNG: rows before compression, a filter byte each
  int components = 1;          // JPEG: 1 grey, 3 colours, 4 inks
  bool adobe = false;          // JPEG: written by the Adobe convention, inks inverted
  bool cut = false;            // JPEG: no end of image; only where that is tolerated
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

struct PngChunk {
  std::uint32_t type = 0;
  std::span<const std::byte> data;
};
inline constexpr std::uint32_t kHeaderChunk = 0x49484452U, kDataChunk = 0x49444154U, kPaletteChunk = 0x504C5445U, kEndChunk = 0x49454E44U;

// Calls use(chunk) for each, up to the end chunk; what stands behind it is legal, and ignored.
template <class Use>
void for_each_chunk(std::span<const std::byte> b, int limit, Use&& use) {
  int count = 0;
  for (std::size_t at = 8; at < b.size();) {
    if (++count > limit) throw ImageProblem("more than " + std::to_string(limit) + " chunks");
    if (b.size() - at < 12) throw ImageProblem("the file ends inside a chunk");
    const std::size_t length = big_endian(b, at, 4);
    if (length > b.size() - at - 12) throw ImageProblem("the file ends inside a chunk");
    if (crc32<0xEDB88320U>(b.subspan(at + 4, length + 4)) != big_endian(b, at + 8 + length, 4)) throw ImageProblem("a chunk does not match its checksum");
    const PngChunk chunk{.type = big_endian(b, at + 4, 4), .data = b.subspan(at + 8, length)};
    use(chunk);
    if (chunk.type == kEndChunk) return;
    at += 12 + length;
  }
  throw ImageProblem("the end chunk is missing; the file is cut off");
}

// The bytes of all rows, of seven smaller pictures where the file is interlaced (Adam7).
inline std::int64_t raw_png_bytes(const ContainerSize& size, std::int64_t bits_per_pixel, bool interlaced) {
  struct Pass {
    std::int64_t x, y, dx, dy;
  };
  constexpr std::array<Pass, 7> adam7{{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}};
  const auto rows = [&](std::int64_t width, std::int64_t height) { return width == 0 ? 0 : height * (1 + (width * bits_per_pixel + 7) / 8); };
  if (!interlaced) return rows(size.width, size.height);
  std::int64_t sum = 0;
  for (const auto& pass : adam7) sum += rows((size.width - pass.x + pass.dx - 1) / pass.dx, (size.height - pass.y + pass.dy - 1) / pass.dy);
  return sum;
}

inline ContainerSize png_header(std::span<const std::byte> data, const ContainerLimits& limits) {
  if (data.size() != 13) throw ImageProblem("the header chunk has a wrong length");
  ContainerSize size{.height = big_endian(data, 4, 4), .width = big_endian(data, 0, 4)};
  check_size(size, limits);
  constexpr std::array<std::int64_t, 7> samples{1, 0, 3, 1, 2, 0, 4};  // by colour type
  const auto depth = std::to_integer<std::int64_t>(data[8]), color = std::to_integer<std::int64_t>(data[9]);
  const bool known = color < 7 && samples[static_cast<std::size_t>(color)] > 0 &&
                     (depth == 8 || (depth == 16 && color != 3) || ((depth == 1 || depth == 2 || depth == 4) && (color == 0 || color == 3)));
  if (!known) throw ImageProblem("colour type " + std::to_string(color) + " with " + std::to_string(depth) + " bits does not exist");
  size.raw_bytes = raw_png_bytes(size, depth * samples[static_cast<std::size_t>(color)], data[12] != std::byte{0});
  return size;
}

// Every chunk within the file and with its checksum, a header first, an end last, and as much pixel data as a picture of
// that size can have: deflate shrinks at most 1,032-fold, and what it cannot shrink it stores with a few bytes more.
inline ContainerSize check_png(std::span<const std::byte> b, const ContainerLimits& limits) {
  ContainerSize size;
  std::int64_t compressed = 0;
  for_each_chunk(b, limits.chunks, [&](const PngChunk& chunk) {
    if ((size.height == 0) != (chunk.type == kHeaderChunk)) throw ImageProblem("the file does not begin with a header chunk, or has two");
    if (chunk.type == kHeaderChunk) size = png_header(chunk.data, limits);
    if (chunk.type == kDataChunk) compressed += static_cast<std::int64_t>(chunk.data.size());
  });
  if (compressed == 0) throw ImageProblem("there is no pixel data");
  if (compressed < size.raw_bytes / 1032) throw ImageProblem("too little pixel data for the picture's size");
  if (compressed > size.raw_bytes + size.raw_bytes / 8 + 16 * size.height + 1024) throw ImageProblem("more pixel data than the picture's size can need");
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

// What the frame's marker and header promise must be what every decoder reads alike: 8 bits, Huffman codes, one frame.
inline ContainerSize jpeg_frame(unsigned marker, std::span<const std::byte> header, const ContainerLimits& limits) {
  if (marker == 0xC3) throw ImageProblem("it is a lossless JPEG; convert it to PNG first");
  if (marker >= 0xC9) throw ImageProblem("it uses arithmetic coding; convert it to PNG or ordinary JPEG first");
  if (marker > 0xC2) throw ImageProblem("it is a hierarchical JPEG; convert it to PNG or ordinary JPEG first");
  if (header.size() < 6) throw ImageProblem("a frame header is too short");
  ContainerSize size{.height = big_endian(header, 1, 2), .width = big_endian(header, 3, 2), .components = static_cast<int>(header[5])};
  if (header[0] != std::byte{8}) throw ImageProblem(std::to_string(big_endian(header, 0, 1)) + " bits a sample, expected 8; convert it to 16-bit PNG first");
  check_size(size, limits);
  if (size.components != 1 && size.components != 3 && size.components != 4) {
    throw ImageProblem(std::to_string(size.components) + " colour components, expected 1, 3 or 4");
  }
  if (header.size() != 6 + 3 * static_cast<std::size_t>(size.components)) throw ImageProblem("a frame header has a wrong length");
  return size;
}

// Huffman tables: each has at most 256 codes, and they are there. Not every decoder counts them.
inline void check_huffman_tables(std::span<const std::byte> tables) {
  while (!tables.empty()) {
    std::size_t codes = 0;
    for (std::size_t i = 1; i <= 16 && i < tables.size(); ++i) codes += std::to_integer<std::size_t>(tables[i]);
    if (tables.size() < 17 || codes > 256 || codes > tables.size() - 17) throw ImageProblem("a Huffman table is damaged");
    tables = tables.subspan(17 + codes);
  }
}

// Where the entropy-coded data that begins at `at` end: at a marker that is neither a stuffed byte nor a restart.
inline std::size_t end_of_scan(std::span<const std::byte> b, std::size_t at) {
  while (at + 1 < b.size()) {
    const auto* found = static_cast<const std::byte*>(std::memchr(b.data() + at, 0xFF, b.size() - 1 - at));
    if (found == nullptr) return b.size() - 1;
    at = static_cast<std::size_t>(found - b.data());
    const auto next = std::to_integer<unsigned>(b[at + 1]);
    if (next != 0 && next != 0xFF && !(next >= 0xD0 && next <= 0xD7)) return at;
    ++at;
  }
  return at;
}

// A walk over the markers: sizes sane, the number of scans limited, an end of image reached. Where a cut file is tolerated, it
// may end anywhere behind the beginning of its first scan.
inline ContainerSize check_jpeg(std::span<const std::byte> b, const ContainerLimits& limits) {
  ContainerSize size;
  int orientation = 1, scans = 0;
  bool adobe = false;
  std::size_t at = 2;
  const auto ends = [&](const char* where) {
    if (!limits.tolerant || scans == 0) throw ImageProblem(where);
    size.cut = true;
  };
  while (!size.cut) {
    while (at + 1 < b.size() && b[at] == std::byte{0xFF} && b[at + 1] == std::byte{0xFF}) ++at;  // fill bytes
    if (at + 2 > b.size()) {
      ends("the end-of-image marker is missing; the file is cut off");
      break;
    }
    if (b[at] != std::byte{0xFF}) throw ImageProblem("bytes that belong to no segment");
    const auto marker = std::to_integer<unsigned>(b[at + 1]);
    at += 2;
    if (marker == 0xD9) break;
    if (at + 2 > b.size() || big_endian(b, at, 2) > b.size() - at) {
      ends("the file ends inside a segment");
      break;
    }
    const std::size_t length = big_endian(b, at, 2);
    if (length < 2) throw ImageProblem("a segment has a wrong length");
    const auto data = b.subspan(at + 2, length - 2);
    if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC) {
      if (size.height != 0) throw ImageProblem("more than one frame");
      size = jpeg_frame(marker, data, limits);
    }
    if (marker == 0xC4) check_huffman_tables(data);
    if (marker == 0xE1) orientation = exif_orientation(data);
    if (marker == 0xEE && data.size() >= 12 && big_endian(data, 0, 4) == 0x41646F62U && data[4] == std::byte{0x65}) adobe = true;
    at += length;
    if (marker != 0xDA) continue;
    if (++scans > limits.scans) throw ImageProblem("more than " + std::to_string(limits.scans) + " scans");
    at = end_of_scan(b, at);
  }
  if (size.height == 0 || scans == 0) throw ImageProblem("there is no picture in it");
  size.orientation = orientation;
  size.adobe = adobe;
  return size;
}

}  // namespace mgca::io::detail

// stb_image behind the four functions of png_codec.hpp and jpeg_codec.hpp. stb checks neither checksums nor sizes, so a PNG
// reaches it only after its pixel data were unpacked once into exactly the room they need and matched their checksum.
// Reference: https://github.com/nothings/stb, stb_image.h and stb_image_write.h.
#pragma once

#include <mgca/core/plane.hpp>
#include <mgca/io/detail/image_container.hpp>

#ifdef STBI_INCLUDE_STB_IMAGE_H
#error "stb_image.h was included before mgca; keep other uses of stb_image in translation units without MGCA_IMAGE_BACKEND_STB"
#endif
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STBI_NO_STDIO
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#if __has_include(<stb/stb_image.h>)
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>
#else
#include <stb_image.h>
#include <stb_image_write.h>
#endif

#include <algorithm>
#include <array>
#include <climits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mgca::io::detail {

struct StbPixels {
  std::unique_ptr<stbi_uc, void (*)(void*)> values{nullptr, stbi_image_free};
  int channels = 0;
};

inline StbPixels stb_pixels(std::span<const std::byte> bytes, const ContainerSize& size, int channels) {
  int width = 0, height = 0;
  StbPixels pixels;
  if (bytes.size() > INT_MAX) throw ImageProblem("more than 2 GB");
  pixels.values.reset(stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()), static_cast<int>(bytes.size()), &width, &height,
                                            &pixels.channels, channels));
  if (!pixels.values) throw ImageProblem(std::string("stb_image: ") + stbi_failure_reason());
  if (channels > 0) pixels.channels = channels;
  if (width != size.width || height != size.height) throw ImageProblem("an unexpected size");
  return pixels;
}

inline std::uint32_t adler32(std::span<const std::byte> bytes) {
  std::uint32_t a = 1, b = 0;
  while (!bytes.empty()) {
    const auto some = bytes.first(std::min<std::size_t>(bytes.size(), 5552));  // as many as cannot overflow
    for (const auto byte : some) b += a += std::to_integer<std::uint32_t>(byte);
    a %= 65521, b %= 65521;
    bytes = bytes.subspan(some.size());
  }
  return b << 16 | a;
}

// The rows as one compressed stream must fill their room exactly and end with their checksum.
inline void check_png_stream(std::span<const std::byte> stream, const ContainerSize& size) {
  if (stream.size() < 6 || stream.size() > INT_MAX || size.raw_bytes >= INT_MAX) throw ImageProblem("PNG: a size of pixel data that cannot be read");
  std::vector<std::byte> raw(static_cast<std::size_t>(size.raw_bytes) + 1);
  const int got = stbi_zlib_decode_buffer(reinterpret_cast<char*>(raw.data()), static_cast<int>(raw.size()),
                                          reinterpret_cast<const char*>(stream.data()), static_cast<int>(stream.size()));
  if (got != size.raw_bytes) throw ImageProblem("PNG: the pixel data are damaged, too few or too many");
  if (adler32(std::span<const std::byte>(raw).first(raw.size() - 1)) != big_endian(stream, stream.size() - 4, 4)) {
    throw ImageProblem("PNG: the pixel data do not match their checksum");
  }
}

// The same picture from header, palette and one chunk of pixel data: what else a PNG may hold, stb need not see.
inline std::vector<std::byte> plain_png(std::span<const std::byte> bytes, const ContainerSize& size) {
  std::vector<std::byte> out(bytes.begin(), bytes.begin() + 8), stream;
  const auto put = [&](std::uint32_t type, std::span<const std::byte> data) {
    const auto number = [&](std::uint32_t value) {
      for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::byte>(value >> shift));
    };
    number(static_cast<std::uint32_t>(data.size()));
    number(type);
    out.insert(out.end(), data.begin(), data.end());
    number(0);  // stb reads no checksum
  };
  bool data_follows = false;
  for_each_chunk(bytes, INT_MAX, [&](const PngChunk& chunk) {
    if (chunk.type == kHeaderChunk || (chunk.type == kPaletteChunk && !data_follows)) put(chunk.type, chunk.data);
    if (chunk.type != kDataChunk) return;
    data_follows = true;
    stream.insert(stream.end(), chunk.data.begin(), chunk.data.end());
  });
  check_png_stream(stream, size);
  put(kDataChunk, stream);
  put(kEndChunk, {});
  return out;
}

inline GreyImage decode_png(std::span<const std::byte> bytes, const ContainerSize& size) {
  const auto pixels = stb_pixels(plain_png(bytes, size), size, 0);
  GreyImage image({.height = size.height, .width = size.width});
  const auto* from = pixels.values.get();
  for (auto& pixel : image.pixels()) {  // libpng's weights, in 15 bits, and its truncation
    pixel = pixels.channels < 3 ? from[0] : static_cast<std::uint8_t>((9797 * from[0] + 19234 * from[1] + 3737 * from[2]) >> 15);
    from += pixels.channels;
  }
  return image;
}

// Always at full size: stb has no reduced decoding.
inline DecodedImage decode_jpeg(std::span<const std::byte> bytes, const ContainerSize& size, int /*reduction*/) {
  if (size.components == 4 && !size.adobe) throw ImageProblem("its four colours are of an unknown kind; convert it to grey or RGB first");
  DecodedImage out;
  out.image = GreyImage({.height = size.height, .width = size.width});
  std::vector<std::byte> ended;
  if (size.cut) {  // stb insists on an end
    out.damage = "the file is cut off";
    ended.assign(bytes.begin(), bytes.end());
    ended.insert(ended.end(), {std::byte{0xFF}, std::byte{0xD9}});
    bytes = ended;
  }
  const auto pixels = stb_pixels(bytes, size, 1);
  std::copy_n(pixels.values.get(), out.image.pixels().size(), out.image.pixels().begin());
  return out;
}

inline void stb_push(void* into, void* bytes, int count) {
  const auto* from = static_cast<const std::byte*>(bytes);
  auto& out = *static_cast<std::vector<std::byte>*>(into);
  out.insert(out.end(), from, from + count);
}

inline std::vector<std::byte> encode_png(const Plane<const std::uint8_t>& image) {
  std::vector<std::byte> out;
  const auto width = static_cast<int>(image.width), channels = static_cast<int>(image.channels);
  if (stbi_write_png_to_func(stb_push, &out, width, static_cast<int>(image.height), channels, image.pixels.data(), width * channels) == 0) {
    throw std::bad_alloc();  // writing to memory fails for no other reason
  }
  return out;
}

inline std::vector<std::byte> encode_jpeg(const Plane<const std::uint8_t>& image, int quality) {
  std::vector<std::byte> out;
  if (stbi_write_jpg_to_func(stb_push, &out, static_cast<int>(image.width), static_cast<int>(image.height), 1, image.pixels.data(), quality) == 0) {
    throw ImageProblem("JPEG: it cannot be written");
  }
  return out;
}

}  // namespace mgca::io::detail

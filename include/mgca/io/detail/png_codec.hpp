// libpng behind two functions; damaged and excess pixel data are errors here.
// No object with a destructor lives between setjmp and a possible longjmp.
#pragma once

#include <mgca/core/plane.hpp>
#include <mgca/io/detail/image_container.hpp>

#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace mgca::io::detail {

struct PngSource {
  std::span<const std::byte> bytes;
  std::size_t at = 0;
  std::size_t left = SIZE_MAX;  // bytes libpng may still ask for
  char message[128] = "";
};

inline void png_failed(png_structp png, png_const_charp message) {
  auto* source = static_cast<PngSource*>(png_get_error_ptr(png));
  std::strncpy(source->message, message, sizeof source->message - 1);
  png_longjmp(png, 1);
}
// Notes about ancillary chunks are ignored; those about the pixels' own chunks are damage that would be papered over.
inline void png_warned(png_structp png, png_const_charp message) {
  if (std::strncmp(message, "IDAT", 4) == 0) png_failed(png, message);
}
inline void png_pull(png_structp png, png_bytep into, size_t count) {
  auto* source = static_cast<PngSource*>(png_get_io_ptr(png));
  if (count > source->bytes.size() - source->at) png_error(png, "the file ends early");
  if (count > source->left) png_error(png, "pixel data go on behind the last row");
  source->left -= count;
  std::memcpy(into, source->bytes.data() + source->at, count);
  source->at += count;
}

// Rows into memory the caller owns; false with source.message set where libpng gave up.
inline bool png_rows(PngSource& source, png_bytep* rows, std::size_t row_bytes) {
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, png_failed, png_warned);
  if (png == nullptr) return false;
  png_infop info = png_create_info_struct(png);
  if (info == nullptr || setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_read_struct(&png, info == nullptr ? nullptr : &info, nullptr);
    return false;
  }
  png_set_read_fn(png, &source, png_pull);
  png_set_user_limits(png, 0x7FFFFFFF, 0x7FFFFFFF);  // our own limits are stricter and already checked
  png_read_info(png, info);
  const auto type = png_get_color_type(png, info);
  if (png_get_bit_depth(png, info) == 16) png_set_strip_16(png);
  if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (type == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(png, info) < 8) png_set_expand_gray_1_2_4_to_8(png);
  png_set_strip_alpha(png);
  if ((type & PNG_COLOR_MASK_COLOR) != 0) png_set_rgb_to_gray(png, 1, 0.299, 0.587);
  const int passes = png_set_interlace_handling(png);
  const std::size_t stored_row = png_get_rowbytes(png, info);
  const png_uint_32 height = png_get_image_height(png, info);
  png_read_update_info(png, info);
  if (png_get_rowbytes(png, info) != row_bytes) png_error(png, "an unexpected pixel layout");
  for (int pass = 0; pass < passes; ++pass) {
    for (png_uint_32 y = 0; y < height; ++y) {
      // libpng unpacks whatever follows the last row, gigabytes if there are; so it gets little more than that row.
      if (pass + 1 == passes && y + 2 == std::max(height, 2U)) source.left = 4 * stored_row + 8192;
      png_read_row(png, rows[y], nullptr);
    }
  }
  source.left = SIZE_MAX;
  png_read_end(png, nullptr);
  png_destroy_read_struct(&png, &info, nullptr);
  return true;
}

inline GreyImage decode_png(std::span<const std::byte> bytes, const ContainerSize& size) {
  GreyImage image({.height = size.height, .width = size.width});
  std::vector<png_bytep> rows;
  for (std::int64_t y = 0; y < size.height; ++y) rows.push_back(image.plane().row(y).data());
  PngSource source{.bytes = bytes};
  if (!png_rows(source, rows.data(), static_cast<std::size_t>(size.width))) throw ImageProblem(std::string("PNG: ") + source.message);
  return image;
}

inline void png_push(png_structp png, png_bytep bytes, size_t count) {
  auto* into = static_cast<std::vector<std::byte>*>(png_get_io_ptr(png));
  const auto* from = reinterpret_cast<const std::byte*>(bytes);
  into->insert(into->end(), from, from + count);
}
inline void png_nothing(png_structp) {}

inline std::vector<std::byte> encode_png(const Plane<const std::uint8_t>& image) {
  std::vector<std::byte> out;
  PngSource errors;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &errors, png_failed, png_warned);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  if (info == nullptr || setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_write_struct(&png, &info);
    throw std::bad_alloc();  // writing to memory fails for no other reason
  }
  png_set_write_fn(png, &out, png_push, png_nothing);
  png_set_IHDR(png, info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8,
               image.channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (std::int64_t y = 0; y < image.height; ++y) png_write_row(png, image.row(y).data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

}  // namespace mgca::io::detail

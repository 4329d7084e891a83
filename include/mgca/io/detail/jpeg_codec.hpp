// libjpeg behind two functions. A warning (damaged data that would be papered over) is an error here.
#pragma once

#include <mgca/core/plane.hpp>
#include <mgca/io/detail/image_container.hpp>

#include <cstdio>  // jpeglib.h needs it first

#include <jpeglib.h>

#include <csetjmp>
#include <cstdlib>
#include <string>
#include <vector>

namespace mgca::io::detail {

struct JpegErrors {
  jpeg_error_mgr base;  // first, so that libjpeg's pointer is ours
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX] = "";
};

[[noreturn]] inline void jpeg_failed(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  errors->base.format_message(info, errors->message);
  std::longjmp(errors->back, 1);
}
inline void jpeg_message(j_common_ptr info, int level) {
  if (level < 0) jpeg_failed(info);  // negative levels are warnings: corrupt data
}
inline void jpeg_silent(j_common_ptr) {}

// Rows into memory the caller owns; false with errors.message set where libjpeg gave up.
inline bool jpeg_rows(JpegErrors& errors, std::span<const std::byte> bytes, const Plane<std::uint8_t>& image) {
  jpeg_decompress_struct info{};
  info.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = jpeg_failed;
  errors.base.emit_message = jpeg_message;
  errors.base.output_message = jpeg_silent;
  if (setjmp(errors.back) != 0) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_GRAYSCALE;
  jpeg_start_decompress(&info);
  if (info.output_width != static_cast<JDIMENSION>(image.width) || info.output_height != static_cast<JDIMENSION>(image.height) ||
      info.output_components != 1) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = image.pixels.data() + static_cast<std::size_t>(info.output_scanline) * static_cast<std::size_t>(image.width);
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return true;
}

inline GreyImage decode_jpeg(std::span<const std::byte> bytes, const ContainerSize& size) {
  GreyImage image({.height = size.height, .width = size.width});
  JpegErrors errors;
  if (!jpeg_rows(errors, bytes, image.plane())) throw ImageProblem(std::string("JPEG: ") + errors.message);
  return image;
}

inline std::vector<std::byte> encode_jpeg(const Plane<const std::uint8_t>& image, int quality) {
  jpeg_compress_struct info{};
  JpegErrors errors;
  unsigned char* buffer = nullptr;
  unsigned long length = 0;
  info.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = jpeg_failed;
  errors.base.output_message = jpeg_silent;
  if (setjmp(errors.back) != 0) {
    jpeg_destroy_compress(&info);
    std::free(buffer);
    throw ImageProblem(std::string("JPEG: ") + errors.message);
  }
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, &buffer, &length);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = 1;
  info.in_color_space = JCS_GRAYSCALE;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<JSAMPROW>(image.row(info.next_scanline).data());
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  const auto* begin = reinterpret_cast<const std::byte*>(buffer);
  std::vector<std::byte> out(begin, begin + length);
  std::free(buffer);
  return out;
}

}  // namespace mgca::io::detail

// libjpeg behind two functions. A warning (damaged data that would be papered over) is an error unless it is tolerated.
#pragma once

#include <mgca/core/plane.hpp>
#include <mgca/io/detail/image_container.hpp>

#include <cstdio>  // jpeglib.h needs it first

#include <jpeglib.h>

#include <csetjmp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

namespace mgca::io::detail {

struct JpegErrors {
  jpeg_error_mgr base;  // first, so that libjpeg's pointer is ours
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX] = "";
  bool tolerant = false;
  std::int64_t sound_rows = -1;  // that came out before the first warning; -1: no warning
};

[[noreturn]] inline void jpeg_failed(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  errors->base.format_message(info, errors->message);
  std::longjmp(errors->back, 1);
}
inline void jpeg_message(j_common_ptr info, int level) {
  if (level >= 0) return;  // negative levels are warnings: corrupt data
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  if (!errors->tolerant) jpeg_failed(info);
  if (errors->sound_rows >= 0) return;
  errors->base.format_message(info, errors->message);
  errors->sound_rows = reinterpret_cast<j_decompress_ptr>(info)->output_scanline;
}
inline void jpeg_silent(j_common_ptr) {}

// Grey from four inks, each 255 where there is none (`inverted`, as Adobe writes them) or 0. OpenCV's arithmetic, which knows
// inverted inks only.
inline void grey_from_inks(const JSAMPLE* inks, bool inverted, std::span<std::uint8_t> out) {
  for (auto& pixel : out) {
    const int flip = inverted ? 0 : 255, black = inks[3] ^ flip;
    const auto light = [&](int ink) { return black - ((255 - (ink ^ flip)) * black >> 8); };
    pixel = static_cast<std::uint8_t>((light(inks[0]) * 4899 + light(inks[1]) * 9617 + light(inks[2]) * 1868 + (1 << 13)) >> 14);
    inks += 4;
  }
}

// Rows into memory the caller owns, through `inks` (a row of four components) where it is not null; false with errors.message
// set where libjpeg gave up.
inline bool jpeg_rows(JpegErrors& errors, std::span<const std::byte> bytes, const Plane<std::uint8_t>& image, int reduction,
                      JSAMPLE* inks) {
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
  info.out_color_space = inks == nullptr ? JCS_GRAYSCALE : JCS_CMYK;
  info.scale_num = 1;
  info.scale_denom = static_cast<unsigned>(reduction);
  jpeg_start_decompress(&info);
  if (info.output_width != static_cast<JDIMENSION>(image.width) || info.output_height != static_cast<JDIMENSION>(image.height) ||
      info.output_components != (inks == nullptr ? 1 : 4)) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  while (info.output_scanline < info.output_height) {
    const auto out = image.row(info.output_scanline);
    JSAMPROW row = inks == nullptr ? out.data() : inks;
    jpeg_read_scanlines(&info, &row, 1);
    if (inks != nullptr) grey_from_inks(inks, info.saw_Adobe_marker != FALSE, out);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return true;
}

// The picture at 1 / reduction of its size (1, 2, 4 or 8), sides rounded up.
inline DecodedImage decode_jpeg(std::span<const std::byte> bytes, const ContainerSize& size, int reduction) {
  DecodedImage out;
  out.reduction = reduction;
  out.image = GreyImage({.height = (size.height + reduction - 1) / reduction, .width = (size.width + reduction - 1) / reduction});
  std::vector<JSAMPLE> inks(size.components == 4 ? static_cast<std::size_t>(out.image.width()) * 4 : 0);
  JpegErrors errors;
  errors.tolerant = size.cut;
  if (!jpeg_rows(errors, bytes, out.image.plane(), reduction, inks.empty() ? nullptr : inks.data()))
    throw ImageProblem(std::string("JPEG: ") + errors.message);
  if (errors.sound_rows >= 0)
    out.damage =
        std::string(errors.message) + " (row " + std::to_string(errors.sound_rows) + " of " + std::to_string(out.image.height()) + ")";
  return out;
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

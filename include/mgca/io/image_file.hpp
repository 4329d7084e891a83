// PNG, JPEG and DICOM files to 8-bit pixels, the first two also back: one decoder per format, so that pixels do not depend
// on the machine.
// The content decides the format, not the name. Damaged, truncated and oversized files are refused before decoding.
// With MGCA_IMAGE_BACKEND_STB defined, in every file of a program or in none, stb_image takes the place of libpng and
// libjpeg behind the same checks: for copied-in headers without other libraries. Its pixels differ by a few levels in JPEG
// files, it has no reduced decoding, and it does not see damage within their compressed data.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/io/detail/image_container.hpp>
#include <mgca/io/dicom.hpp>
#ifdef MGCA_IMAGE_BACKEND_STB
#include <mgca/io/detail/stb_codec.hpp>
#else
#include <mgca/io/detail/jpeg_codec.hpp>
#include <mgca/io/detail/png_codec.hpp>
#endif

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca::io {

// What decodes and encodes, for a run's manifest.
#ifdef MGCA_IMAGE_BACKEND_STB
inline constexpr std::string_view kImageBackend = "stb_image";
#else
inline constexpr std::string_view kImageBackend = "libpng and libjpeg";
#endif

struct ImageLimits {
  std::int64_t pixels = std::int64_t{1} << 27;
  std::int64_t side = 32768;
  int scans = 200;       // of a progressive JPEG
  int chunks = 1 << 16;  // of a PNG
};

namespace detail {
// The picture as it is meant to be seen: EXIF orientations 2 to 8 undone.
inline GreyImage oriented(GreyImage in, int orientation) {
  if (orientation == 1) return in;
  const bool swapped = orientation >= 5;
  GreyImage out({.height = swapped ? in.width() : in.height(), .width = swapped ? in.height() : in.width()});
  for (std::int64_t y = 0; y < out.height(); ++y) {
    for (std::int64_t x = 0; x < out.width(); ++x) {
      const auto w = in.width() - 1, h = in.height() - 1;
      const std::array<std::pair<std::int64_t, std::int64_t>, 7> from{
          {{y, w - x}, {h - y, w - x}, {h - y, x}, {x, y}, {h - x, y}, {h - x, w - y}, {x, w - y}}};
      const auto [sy, sx] = from[static_cast<std::size_t>(orientation - 2)];
      out.at(y, x) = in.at(sy, sx);
    }
  }
  return out;
}
}  // namespace detail

struct ImageOptions {
  ImageLimits limits;
  // JPEG: decode at 1/2, 1/4 or 1/8, the smallest with both sides still at least this many pixels; 0: in full. Faster, and
  // other pixels than decoding in full and resizing (docs/io.md has figures), so a manifest must name it. PNG: no effect.
  std::int64_t reduced_to = 0;
  // JPEG: a file that ends early is read as far as it goes, and DecodedImage::damage says so. Other damage is refused always.
  bool tolerant = false;
};

namespace detail {
// The largest of 1, 2, 4, 8 that leaves both sides at least `target`.
inline int reduction_for(const ContainerSize& size, std::int64_t target) {
  int reduction = 1;
  while (target > 0 && reduction < 8 && std::min(size.height, size.width) >= target * 2 * reduction) reduction *= 2;
  return reduction;
}
}  // namespace detail

// One grey channel. Colour becomes grey by the decoder's own luma (PNG: 0.299 R + 0.587 G + 0.114 B; JPEG: its Y channel), CMYK
// by the luma of the light its inks leave (inverted inks where an Adobe marker stands, as OpenCV reads all), 16 bits become 8
// by dropping the low byte, transparency is ignored, EXIF orientation is applied: the rules of OpenCV's greyscale reading.
// Refused by name: arithmetic-coded, lossless, hierarchical and 12-bit JPEG. DICOM: dicom_to_grey. `source` names the bytes in errors.
// Throws Error(data) with the reason.
[[nodiscard]] inline DecodedImage decode_image_as(std::span<const std::byte> bytes, const std::string& source, const ImageOptions& options) {
  const auto& limits = options.limits;
  if (is_dicom(bytes)) {
    DecodedImage decoded;
    decoded.image = dicom_to_grey(decode_dicom(bytes, source, {.frame = {}, .limits = {.pixels = limits.pixels, .side = limits.side}}));
    decoded.full = decoded.image.size();
    return decoded;
  }
  const detail::ContainerLimits container{
      .pixels = limits.pixels, .side = limits.side, .scans = limits.scans, .chunks = limits.chunks, .tolerant = options.tolerant};
  try {
    if (detail::is_png(bytes)) {
      DecodedImage decoded;
      decoded.image = detail::decode_png(bytes, detail::check_png(bytes, container));
      decoded.full = decoded.image.size();
      return decoded;
    }
    if (detail::is_jpeg(bytes)) {
      const auto size = detail::check_jpeg(bytes, container);
      auto decoded = detail::decode_jpeg(bytes, size, detail::reduction_for(size, options.reduced_to));
      decoded.image = detail::oriented(std::move(decoded.image), size.orientation);
      decoded.full = {.height = size.height, .width = size.width};
      if (size.orientation >= 5) std::swap(decoded.full.height, decoded.full.width);
      return decoded;
    }
  } catch (const detail::ImageProblem& problem) {
    fail(ErrorKind::data, source, ": damaged or unsupported image: ", problem.what());
  }
  fail(ErrorKind::data, source, ": neither PNG nor JPEG nor DICOM (", bytes.size(), " bytes); convert it first");
}

// The same in full and without tolerance.
[[nodiscard]] inline GreyImage decode_image(std::span<const std::byte> bytes, const std::string& source, const ImageLimits& limits = {}) {
  return decode_image_as(bytes, source, {.limits = limits}).image;
}

[[nodiscard]] inline GreyImage read_image(const std::filesystem::path& path, const ImageLimits& limits = {}) {
  return decode_image(read_file(path), path.string(), limits);
}

// One or three channels, 8 bits. Throws Error(argument) for others.
[[nodiscard]] inline std::vector<std::byte> encode_png(const Plane<const std::uint8_t>& image) {
  MGCA_CHECK(image.channels == 1 || image.channels == 3, "encode_png: expected 1 or 3 channels, got ", image.channels);
  return detail::encode_png(image);
}

// One channel, quality 1 to 100.
[[nodiscard]] inline std::vector<std::byte> encode_jpeg(const Plane<const std::uint8_t>& image, int quality = 90) {
  MGCA_CHECK(image.channels == 1 && quality >= 1 && quality <= 100, "encode_jpeg: expected 1 channel and quality 1 to 100, got ",
             image.channels, " and ", quality);
  return detail::encode_jpeg(image, quality);
}

}  // namespace mgca::io

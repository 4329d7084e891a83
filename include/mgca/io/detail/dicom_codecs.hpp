// The coded pictures within DICOM files that need a decoder of their own: what must hold before one sees them, and which.
// 8-bit JPEG goes through this library's one JPEG decoder, JPEG-LS through jpeg_ls.hpp. Lossless and 12-bit JPEG go through
// DCMTK, which is a part of the program where mgca/io/dicom_dcmtk.cpp is; it gets a checked JPEG stream, never a DICOM file.
#pragma once

#include <mgca/io/detail/dicom_tags.hpp>
#include <mgca/io/detail/jpeg_ls.hpp>
#ifdef MGCA_IMAGE_BACKEND_STB
#include <mgca/io/detail/stb_codec.hpp>
#else
#include <mgca/io/detail/jpeg_codec.hpp>
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mgca::io::detail {

struct CodedPicture {
  std::span<const std::byte> bytes;
  std::int64_t height = 0, width = 0;
  int precision = 0;  // bits of a sample in the stream
  bool is_signed = false;
  std::span<const std::byte> scan;  // the entropy-coded part
  JpegLsParameters jpeg_ls;
};

// Values row by row, in the low `precision` bits. Throws ImageProblem. Null in a program without dicom_dcmtk.cpp.
[[gnu::weak]] std::vector<std::uint16_t> decode_with_dcmtk(const CodedPicture& picture);

// Markers of frames by coding: sequential JPEG (C0, C1), lossless (C3), JPEG-LS (F7).
inline bool is_frame_of(DicomCoding coding, unsigned marker) {
  switch (coding) {
    case DicomCoding::jpeg_baseline:
    case DicomCoding::jpeg_extended:
      return marker == 0xC0 || marker == 0xC1;
    case DicomCoding::jpeg_lossless:
      return marker == 0xC3;
    default:
      return marker == 0xF7;
  }
}

// JPEG-LS preset parameters (T.87 C.2.4.1.1); mapping tables are refused.
inline JpegLsParameters jpeg_ls_presets(std::span<const std::byte> b) {
  if (b.size() != 11 || b[0] != std::byte{1}) throw ImageProblem("JPEG-LS: preset parameters of another kind or length");
  const auto number = [&](std::size_t at) { return static_cast<int>(big_endian(b, at, 2)); };
  return {.maxval = number(1), .t1 = number(3), .t2 = number(5), .t3 = number(7), .reset = number(9)};
}

// A walk over the stream: one grey frame of the size the file says, one scan, an end of image. Gives the frame's precision.
inline CodedPicture check_coded(std::span<const std::byte> b, const ContainerSize& expected, DicomCoding coding) {
  CodedPicture picture{.bytes = b, .height = expected.height, .width = expected.width, .scan = {}, .jpeg_ls = {}};
  const bool jpeg_ls = coding == DicomCoding::jpeg_ls;
  if (!is_jpeg(b)) throw ImageProblem("its pixel data do not begin like a JPEG stream");
  int scans = 0;
  for (std::size_t at = 2;;) {
    while (at + 1 < b.size() && b[at] == std::byte{0xFF} && b[at + 1] == std::byte{0xFF}) ++at;  // fill bytes
    if (at + 2 > b.size()) throw ImageProblem("JPEG: the end-of-image marker is missing; the picture is cut off");
    if (b[at] != std::byte{0xFF}) throw ImageProblem("JPEG: bytes that belong to no segment");
    const auto marker = std::to_integer<unsigned>(b[at + 1]);
    at += 2;
    if (marker == 0xD9) {
      if (scans == 0) throw ImageProblem("JPEG: there is no picture in it");
      picture.bytes = b.first(at);
      return picture;
    }
    if (at + 2 > b.size()) throw ImageProblem("JPEG: the stream ends inside a segment");
    const std::size_t length = big_endian(b, at, 2);
    if (length < 2 || length > b.size() - at) throw ImageProblem("JPEG: the stream ends inside a segment");
    const auto segment = b.subspan(at + 2, length - 2);
    at += length;
    if (marker == 0xC4 && !jpeg_ls) {
      check_huffman_tables(segment);
    } else if (marker == 0xF8 && jpeg_ls) {
      picture.jpeg_ls = jpeg_ls_presets(segment);
    } else if (marker == 0xDA) {
      if (picture.precision == 0 || ++scans > 1) throw ImageProblem("JPEG: more than one scan, or a scan without a frame");
      if (segment.size() != 6 || segment[0] != std::byte{1}) throw ImageProblem("JPEG: a scan of more than one component");
      const auto begin = at;
      if (!jpeg_ls) {
        at = end_of_scan(b, at);
      } else {
        picture.jpeg_ls.near = std::to_integer<int>(segment[3]);
        if (segment[4] != std::byte{0} || !complete(picture.jpeg_ls, picture.precision))
          throw ImageProblem("JPEG-LS: parameters out of range");
        while (at + 1 < b.size() && !(b[at] == std::byte{0xFF} && (b[at + 1] & std::byte{0x80}) != std::byte{0})) ++at;
      }
      picture.scan = b.subspan(begin, at - begin);
    } else if (is_frame_of(coding, marker)) {
      if (picture.precision != 0 || segment.size() != 9)
        throw ImageProblem("JPEG: more than one frame, or one with more than one component");
      picture.precision = std::to_integer<int>(segment[0]);
      if (picture.precision < 2 || picture.precision > 16)
        throw ImageProblem("JPEG: " + std::to_string(picture.precision) + " bits a sample");
      const ContainerSize found{.height = big_endian(segment, 1, 2), .width = big_endian(segment, 3, 2)};
      if (found.height != expected.height || found.width != expected.width || segment[5] != std::byte{1}) {
        throw ImageProblem("JPEG: expected one component of " + std::to_string(expected.width) + " x " + std::to_string(expected.height) +
                           " pixels, found " + std::to_string(std::to_integer<int>(segment[5])) + " of " + std::to_string(found.width) +
                           " x " + std::to_string(found.height));
      }
    } else if (const bool passed = (marker >= 0xE0 && marker <= 0xEF) || marker == 0xFE || (!jpeg_ls && (marker == 0xDB || marker == 0xDD));
               !passed) {
      throw ImageProblem("JPEG: a segment that does not belong to this transfer syntax");
    }
  }
}

// Before memory is taken for the picture: what its size must have at least. Lossless JPEG has a bit for each pixel, DCT two
// for each block, JPEG-LS one for each row.
inline void check_enough(const CodedPicture& picture, DicomCoding coding) {
  const auto pixels = static_cast<std::size_t>(picture.height * picture.width);
  const auto bits = coding == DicomCoding::jpeg_ls         ? static_cast<std::size_t>(picture.height)
                    : coding == DicomCoding::jpeg_lossless ? pixels
                                                           : pixels / 32;
  if (picture.scan.size() < bits / 8) throw ImageProblem("JPEG: too little pixel data for " + std::to_string(pixels) + " pixels");
}

inline void check_precision(const CodedPicture& picture, int bits_allocated, int bits_stored, DicomCoding coding) {
  const int p = picture.precision;
  const bool lossy = coding == DicomCoding::jpeg_baseline || coding == DicomCoding::jpeg_extended;
  const bool known = lossy ? p == 8 || (p == 12 && coding == DicomCoding::jpeg_extended) : p >= 2 && p <= 16;
  if (!known || p > bits_allocated || p < bits_stored) {
    dicom_fail(dicom::kBitsStored, "the JPEG stream has ", p, " bits a sample, the file says ", bits_stored, " of ", bits_allocated);
  }
}

}  // namespace mgca::io::detail

// One frame of a DICOM file to its stored values: the fragments that hold it, run lengths, words, sign and unused bits.
// Reference: DICOM PS3.5 sections 8.1 and A.4, annex G (run lengths).
#pragma once

#include <mgca/core/plane.hpp>
#include <mgca/io/detail/dicom_codecs.hpp>
#include <mgca/io/detail/dicom_walk.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mgca::io::detail {

// The fragments of the frame asked for: all of an only frame, one each, or as the offset table says.
inline std::span<const DicomPiece> pieces_of_frame(const DicomFile& file) {
  const std::span<const DicomPiece> all(file.pieces);
  const auto& header = file.header;
  const auto frames = static_cast<std::size_t>(header.frames), frame = static_cast<std::size_t>(header.frame);
  // An entry is the distance from the first fragment's item to that of the frame's first; items have 8 bytes before their value.
  const auto starts_at = [&](std::uint32_t offset) {
    const auto found = std::lower_bound(all.begin(), all.end(), all.front().at + offset,
                                        [](const DicomPiece& one, std::size_t at) { return one.at < at; });
    if (found == all.end() || found->at != all.front().at + offset)
      dicom_fail(dicom::kPixels, "its offset table points to where no fragment begins");
    return static_cast<std::size_t>(found - all.begin());
  };
  for (std::size_t i = 0; i < file.offsets.size(); ++i) {
    if (i == 0 ? file.offsets[0] != 0 : file.offsets[i] <= file.offsets[i - 1])
      dicom_fail(dicom::kPixels, "its offset table does not begin with 0 and ascend");
    (void)starts_at(file.offsets[i]);
  }
  if (frames == 1) return all;
  if (all.size() == frames) return all.subspan(frame, 1);
  if (file.offsets.empty()) dicom_fail(dicom::kPixels, "it holds ", all.size(), " fragments for ", frames, " frames and no offset table");
  const auto first = starts_at(file.offsets[frame]);
  return all.subspan(first, (frame + 1 < frames ? starts_at(file.offsets[frame + 1]) : all.size()) - first);
}

// The frame's bytes in one piece; `joined` holds them where the file has them in several.
inline std::span<const std::byte> coded_frame(DicomFile& file, std::vector<std::byte>& joined) {
  const auto pieces = pieces_of_frame(file);
  if (pieces.size() == 1) return file.bytes.get(pieces[0].at, pieces[0].size);
  for (const auto& piece : pieces) {
    const auto bytes = file.bytes.get(piece.at, piece.size);
    joined.insert(joined.end(), bytes.begin(), bytes.end());
  }
  return joined;
}

// One segment: packed rows of one byte of every pixel.
inline void unpack_runs(std::span<const std::byte> packed, std::span<std::byte> out, std::size_t stride) {
  std::size_t at = 0, done = 0;
  const std::size_t count = out.size() / stride + (out.size() % stride != 0 ? 1 : 0);
  while (done < count) {
    if (at >= packed.size()) dicom_fail(dicom::kPixels, "a run-length segment ends before the last pixel");
    const auto control = std::to_integer<std::size_t>(packed[at++]);
    if (control == 128) continue;
    const bool repeated = control > 128;
    const std::size_t length = repeated ? 257 - control : control + 1;
    if (length > count - done) dicom_fail(dicom::kPixels, "a run goes on behind the last pixel");
    if ((repeated ? 1 : length) > packed.size() - at) dicom_fail(dicom::kPixels, "a run-length segment ends inside a run");
    for (std::size_t i = 0; i < length; ++i) out[(done + i) * stride] = packed[at + (repeated ? 0 : i)];
    done += length;
    at += repeated ? 1 : length;
  }
  while (at < packed.size() && packed[at] == std::byte{128}) ++at;
  if (packed.size() - at > 1) dicom_fail(dicom::kPixels, "a run-length segment goes on behind the last pixel");
}

// Little endian bytes of all pixels.
inline std::vector<std::byte> decode_runs(std::span<const std::byte> b, const DicomHeader& header) {
  const auto width = static_cast<std::size_t>(header.bits_allocated / 8);
  const auto word = [&](std::size_t i) { return __builtin_bswap32(big_endian(b, 4 * i, 4)); };
  if (b.size() < 64) dicom_fail(dicom::kPixels, "a run-length frame of ", b.size(), " bytes, expected at least 64");
  if (word(0) != width) dicom_fail(dicom::kPixels, "a run-length frame of ", word(0), " segments, expected ", width);
  // A run of two bytes is at most 128 pixels: memory only for what can be there.
  if (b.size() < header.pixels() / 64) dicom_fail(dicom::kPixels, "too little run-length data for ", header.pixels(), " pixels");
  std::vector<std::byte> out(header.frame_bytes());
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t begin = word(i + 1), end = i + 1 < width ? word(i + 2) : b.size();
    if (begin < 64 || (i == 0 && begin != 64) || begin > end || end > b.size())
      dicom_fail(dicom::kPixels, "its table of run-length segments is damaged");
    const std::size_t place = width - 1 - i;  // the most significant byte comes first
    unpack_runs(b.subspan(begin, end - begin), std::span(out).subspan(place), width);
  }
  return out;
}

inline Image<std::int32_t> to_stored(const DicomHeader& header, auto&& raw) {
  Image<std::int32_t> image({.height = header.rows, .width = header.columns});
  const std::uint32_t used = (1U << header.bits_stored) - 1, sign = header.is_signed ? 1U << (header.bits_stored - 1) : 0;
  auto pixels = image.pixels();
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const auto value = static_cast<std::uint32_t>(raw(i)) & used;
    pixels[i] = static_cast<std::int32_t>(value) - static_cast<std::int32_t>((value & sign) << 1U);
  }
  return image;
}

inline Image<std::int32_t> stored_bytes(const DicomHeader& header, std::span<const std::byte> b, bool little_endian, bool words) {
  if (header.bits_allocated == 8) {
    // Bytes in words of the other order stand in pairs the wrong way round.
    const std::size_t swapped = words && !little_endian ? 1 : 0;
    return to_stored(header, [&](std::size_t i) { return std::to_integer<std::uint32_t>(b[i ^ swapped]); });
  }
  const std::size_t low = little_endian ? 0 : 1;
  return to_stored(header, [&](std::size_t i) {
    return std::to_integer<std::uint32_t>(b[2 * i + low]) | std::to_integer<std::uint32_t>(b[2 * i + 1 - low]) << 8;
  });
}

inline Image<std::int32_t> decode_jpeg_frame(const DicomHeader& header, std::span<const std::byte> bytes) {
  const auto coding = header.syntax->coding;
  const ContainerSize size{.height = header.rows, .width = header.columns};
  auto picture = check_coded(bytes, size, coding);
  check_enough(picture, coding);
  check_precision(picture, header.bits_allocated, header.bits_stored, coding);
  picture.is_signed = header.is_signed;
  if (picture.precision == 8 && (coding == DicomCoding::jpeg_baseline || coding == DicomCoding::jpeg_extended)) {
    const auto grey = decode_jpeg(picture.bytes, size, 1).image;
    return to_stored(header, [&](std::size_t i) { return grey.pixels()[i]; });
  }
  if (coding == DicomCoding::jpeg_ls) {
    std::vector<std::uint16_t> values(header.pixels());
    JpegLsDecoder(picture.scan, picture.jpeg_ls).decode(values, static_cast<std::size_t>(header.columns));
    return to_stored(header, [&](std::size_t i) { return values[i]; });
  }
  if (decode_with_dcmtk == nullptr) {
    throw ImageProblem(
        "transfer syntax " + std::string(header.syntax->name) +
        " needs DCMTK, which this program was built without: install libdcmtk-dev (Debian, Ubuntu), configure with -DMGCA_DICOM=ON "
        "and link mgca::dicom");
  }
  const auto values = decode_with_dcmtk(picture);
  return to_stored(header, [&](std::size_t i) { return values[i]; });
}

inline Image<std::int32_t> decode_frame(DicomFile& file) {
  const auto& header = file.header;
  if (header.syntax->coding == DicomCoding::native) {
    const auto offset = static_cast<std::size_t>(header.frame) * header.frame_bytes();
    const auto whole = file.bytes.get(file.pieces[0].at, file.pieces[0].size);
    const bool swapped = file.words && !header.syntax->little_endian;
    // An odd last byte has its neighbour behind it.
    const auto padded =
        swapped && header.bits_allocated == 8 && whole.size() % 2 != 0 ? file.bytes.get(file.pieces[0].at, whole.size() + 1) : whole;
    if (swapped && header.bits_allocated == 8 && offset % 2 != 0)
      dicom_fail(dicom::kPixels, "frames of an odd number of bytes in words of two");
    return stored_bytes(header, padded.subspan(offset), header.syntax->little_endian, file.words);
  }
  std::vector<std::byte> joined;
  const auto coded = coded_frame(file, joined);
  if (header.syntax->coding == DicomCoding::run_length) return stored_bytes(header, decode_runs(coded, header), true, false);
  return decode_jpeg_frame(header, coded);
}

}  // namespace mgca::io::detail

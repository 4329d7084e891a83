// What a DICOM file says about its pixels, and what of it is accepted.
#pragma once

#include <mgca/io/detail/dicom_tags.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::io::detail {

// Attributes of the outermost data set, as read.
struct DicomAttributes {
  std::optional<std::int64_t> samples, rows, columns, bits_allocated, bits_stored, high_bit, pixel_representation, frames;
  std::string photometric, window_function;
  std::vector<double> centers, widths, slope, intercept;
  bool modality_table = false, window_table = false;
};

struct DicomHeader {
  const DicomSyntax* syntax = nullptr;
  std::int64_t rows = 0, columns = 0, frames = 1;
  std::int64_t frame = 0;  // the one that is read
  int bits_allocated = 0, bits_stored = 0;
  bool is_signed = false, white_is_least = false;
  [[nodiscard]] std::size_t pixels() const { return static_cast<std::size_t>(rows * columns); }
  [[nodiscard]] std::size_t frame_bytes() const { return pixels() * static_cast<std::size_t>(bits_allocated / 8); }
};

// Padding off: blanks and zero bytes at the end, blanks before.
inline std::string_view trimmed(std::string_view text) {
  const auto end = text.find_last_not_of(std::string_view(" \0", 2));
  text = text.substr(0, end == std::string_view::npos ? 0 : end + 1);
  const auto begin = text.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

inline std::int64_t dicom_integer(DicomTag tag, std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) dicom_fail(tag, "expected a whole number, found other text");
  return value;
}

// Numbers with backslashes between; none where there is only padding.
inline std::vector<double> dicom_numbers(DicomTag tag, std::string_view text) {
  std::vector<double> numbers;
  if (trimmed(text).empty()) return numbers;
  for (bool more = true; more;) {
    const auto cut = text.find('\\');
    more = cut != std::string_view::npos;
    auto one = trimmed(text.substr(0, cut));
    if (more) text.remove_prefix(cut + 1);
    if (one.starts_with('+')) one.remove_prefix(1);
    double value = 0;
    const auto [end, code] = std::from_chars(one.data(), one.data() + one.size(), value);
    if (code != std::errc() || end != one.data() + one.size() || !std::isfinite(value))
      dicom_fail(tag, "expected decimal numbers, found other text");
    numbers.push_back(value);
  }
  return numbers;
}

inline std::int64_t dicom_short(DicomTag tag, std::span<const std::byte> value, bool little_endian) {
  if (value.size() != 2) dicom_fail(tag, "expected one number of 2 bytes, found ", value.size(), " bytes");
  const auto first = std::to_integer<std::int64_t>(value[0]), second = std::to_integer<std::int64_t>(value[1]);
  return little_endian ? second << 8 | first : first << 8 | second;
}

// Takes what is needed of one element.
inline void take_attribute(DicomAttributes& into, DicomTag tag, std::span<const std::byte> value, bool little_endian) {
  const auto number = [&](std::optional<std::int64_t>& field) { field = dicom_short(tag, value, little_endian); };
  const auto text = [&] {
    if (value.size() > 4096) dicom_fail(tag, "expected at most 4096 bytes, found ", value.size());
    return std::string_view(reinterpret_cast<const char*>(value.data()), value.size());
  };
  switch (tag) {
    case dicom::kSamples:
      return number(into.samples);
    case dicom::kRows:
      return number(into.rows);
    case dicom::kColumns:
      return number(into.columns);
    case dicom::kBitsAllocated:
      return number(into.bits_allocated);
    case dicom::kBitsStored:
      return number(into.bits_stored);
    case dicom::kHighBit:
      return number(into.high_bit);
    case dicom::kPixelRepresentation:
      return number(into.pixel_representation);
    case dicom::kFrames:
      if (!trimmed(text()).empty()) into.frames = dicom_integer(tag, text());
      return;
    case dicom::kPhotometric:
      into.photometric = trimmed(text());
      return;
    case dicom::kWindowFunction:
      into.window_function = trimmed(text());
      return;
    case dicom::kWindowCenter:
      into.centers = dicom_numbers(tag, text());
      return;
    case dicom::kWindowWidth:
      into.widths = dicom_numbers(tag, text());
      return;
    case dicom::kSlope:
      into.slope = dicom_numbers(tag, text());
      return;
    case dicom::kIntercept:
      into.intercept = dicom_numbers(tag, text());
      return;
    default:
      return;
  }
}

inline std::int64_t required(DicomTag tag, const std::optional<std::int64_t>& value) {
  if (!value) dicom_fail(tag, "missing before the pixel data");
  return *value;
}

// MONOCHROME1 shows the least value white. Throws for colour.
inline bool white_is_least(const std::string& photometric) {
  if (photometric.empty()) dicom_fail(dicom::kPhotometric, "missing before the pixel data");
  if (photometric == "MONOCHROME1" || photometric == "MONOCHROME2") return photometric == "MONOCHROME1";
  for (const std::string_view known : {"PALETTE COLOR", "RGB", "HSV", "ARGB", "CMYK", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422",
                                       "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT", "XYB"}) {
    if (photometric == known)
      dicom_fail(dicom::kPhotometric, "expected MONOCHROME1 or MONOCHROME2, found ", known, "; convert colour to grey first");
  }
  dicom_fail(dicom::kPhotometric, "expected MONOCHROME1 or MONOCHROME2, found another value");
}

struct DicomSizeLimits {
  std::int64_t pixels, side;
};

// Grey, 8 or 16 bits allocated, of a size that may be held; one frame, or `frame` of several.
inline DicomHeader checked_header(const DicomAttributes& in, const DicomSyntax& syntax, const DicomSizeLimits& limits,
                                  std::optional<std::int64_t> frame) {
  DicomHeader header{.syntax = &syntax, .rows = required(dicom::kRows, in.rows), .columns = required(dicom::kColumns, in.columns)};
  check_size({.height = header.rows, .width = header.columns}, {.pixels = limits.pixels, .side = limits.side, .scans = 0, .chunks = 0});
  header.white_is_least = white_is_least(in.photometric);
  if (const auto samples = required(dicom::kSamples, in.samples); samples != 1) dicom_fail(dicom::kSamples, "expected 1, found ", samples);
  const auto allocated = required(dicom::kBitsAllocated, in.bits_allocated), stored = required(dicom::kBitsStored, in.bits_stored);
  if (allocated != 8 && allocated != 16) dicom_fail(dicom::kBitsAllocated, "expected 8 or 16, found ", allocated);
  if (stored < 1 || stored > allocated) dicom_fail(dicom::kBitsStored, "expected 1 to ", allocated, " (BitsAllocated), found ", stored);
  if (const auto high = in.high_bit.value_or(stored - 1); high != stored - 1) {
    dicom_fail(dicom::kHighBit, "expected ", stored - 1, " (BitsStored - 1), found ", high);
  }
  const auto representation = required(dicom::kPixelRepresentation, in.pixel_representation);
  if (representation > 1) dicom_fail(dicom::kPixelRepresentation, "expected 0 or 1, found ", representation);
  header.bits_allocated = static_cast<int>(allocated);
  header.bits_stored = static_cast<int>(stored);
  header.is_signed = representation == 1;
  header.frames = in.frames.value_or(1);
  if (header.frames < 1 || header.frames > INT32_MAX)
    dicom_fail(dicom::kFrames, "expected a positive number of at most 31 bits, found ", header.frames);
  if (!frame && header.frames > 1)
    dicom_fail(dicom::kFrames, "the file holds ", header.frames, " pictures; choose one with DicomOptions::frame");
  header.frame = frame.value_or(0);
  if (header.frame < 0 || header.frame >= header.frames)
    dicom_fail(dicom::kFrames, "the file holds ", header.frames, " pictures, asked was for number ", header.frame);
  return header;
}

}  // namespace mgca::io::detail

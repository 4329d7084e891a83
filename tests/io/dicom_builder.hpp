// DICOM files written element by element, so that every lie a file can tell can be told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca::test {

using Bytes = std::vector<std::byte>;

inline constexpr std::string_view kImplicitSyntax = "1.2.840.10008.1.2", kExplicitSyntax = "1.2.840.10008.1.2.1",
                                  kDeflatedSyntax = "1.2.840.10008.1.2.1.99", kBigEndianSyntax = "1.2.840.10008.1.2.2",
                                  kRunLengthSyntax = "1.2.840.10008.1.2.5", kJpegSyntax = "1.2.840.10008.1.2.4.50",
                                  kJpegLosslessSyntax = "1.2.840.10008.1.2.4.70", kJpegLsSyntax = "1.2.840.10008.1.2.4.80";

inline Bytes bytes_of(std::string_view text) {
  const auto raw = std::as_bytes(std::span(text));
  return {raw.begin(), raw.end()};
}

class DicomBuilder {
 public:
  explicit DicomBuilder(std::string_view syntax = kExplicitSyntax) : DicomBuilder(Bytes(128)) {
    element(0x00020010, "UI", padded(syntax, '\0'));
    explicit_ = syntax != kImplicitSyntax;
    little_endian_ = syntax != kBigEndianSyntax;
  }
  // Without a transfer syntax.
  static DicomBuilder bare() { return DicomBuilder(Bytes(128)); }

  DicomBuilder& number(std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes_.push_back(static_cast<std::byte>(value >> (8 * (little_endian_ ? i : count - 1 - i))));
    return *this;
  }
  DicomBuilder& raw(std::span<const std::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  // Tag, representation and a length of your choice.
  DicomBuilder& head(std::uint32_t tag, std::string_view representation, std::uint64_t length) {
    number(tag >> 16, 2).number(tag & 0xFFFF, 2);
    if (tag >> 16 == 0xFFFE || !explicit_) return number(length, 4);
    raw(std::as_bytes(std::span(representation)));
    constexpr std::string_view wide = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";
    if (wide.find(representation) != std::string_view::npos) return number(0, 2).number(length, 4);
    return number(length, 2);
  }
  DicomBuilder& element(std::uint32_t tag, std::string_view representation, std::span<const std::byte> value) {
    return head(tag, representation, value.size()).raw(value);
  }
  DicomBuilder& text(std::uint32_t tag, std::string_view representation, std::string_view value) {
    return element(tag, representation, padded(value, ' '));
  }
  DicomBuilder& us(std::uint32_t tag, unsigned value) { return head(tag, "US", 2).number(value, 2); }

  // The attributes that describe pixels; `frames` 0: none of that name.
  struct Picture {
    unsigned rows = 2, columns = 3, allocated = 8, stored = 8, high = 7, representation = 0, samples = 1;
    std::string_view photometric = "MONOCHROME2";
    std::string_view frames = "";
  };
  DicomBuilder& picture(const Picture& p) {
    us(0x00280002, p.samples).text(0x00280004, "CS", p.photometric);
    if (!p.frames.empty()) text(0x00280008, "IS", p.frames);
    return us(0x00280010, p.rows)
        .us(0x00280011, p.columns)
        .us(0x00280100, p.allocated)
        .us(0x00280101, p.stored)
        .us(0x00280102, p.high)
        .us(0x00280103, p.representation);
  }
  DicomBuilder& pixels(std::span<const std::byte> value, std::string_view representation = "OW") {
    return element(0x7FE00010, representation, value);
  }
  // Fragments after an offset table of four bytes an entry.
  DicomBuilder& fragments(const std::vector<Bytes>& all, const std::vector<std::uint32_t>& offsets = {}) {
    head(0x7FE00010, "OB", 0xFFFFFFFFU).head(0xFFFEE000, "", 4 * offsets.size());
    for (const auto offset : offsets) number(offset, 4);
    for (const auto& one : all) head(0xFFFEE000, "", one.size()).raw(one);
    return head(0xFFFEE0DD, "", 0);
  }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

  static Bytes padded(std::string_view value, char pad) { return bytes_of(std::string(value) + std::string(value.size() % 2, pad)); }

 private:
  explicit DicomBuilder(Bytes preamble) : bytes_(std::move(preamble)) { raw(bytes_of("DICM")); }

  Bytes bytes_;
  bool explicit_ = true, little_endian_ = true;
};

// A run-length frame of segments that are given packed.
inline Bytes run_length_frame(const std::vector<Bytes>& segments) {
  DicomBuilder numbers = DicomBuilder::bare();
  const auto start = numbers.bytes().size();
  numbers.number(segments.size(), 4);
  std::uint32_t at = 64;
  for (std::size_t i = 0; i < 15; ++i) {
    numbers.number(i < segments.size() ? at : 0, 4);
    if (i < segments.size()) at += static_cast<std::uint32_t>(segments[i].size());
  }
  Bytes out(numbers.bytes().begin() + static_cast<std::ptrdiff_t>(start), numbers.bytes().end());
  for (const auto& one : segments) out.insert(out.end(), one.begin(), one.end());
  return out;
}

}  // namespace mgca::test

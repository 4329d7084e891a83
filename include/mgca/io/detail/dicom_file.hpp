// A DICOM file as the walk over it leaves it.
#pragma once

#include <mgca/io/detail/dicom_bytes.hpp>
#include <mgca/io/detail/dicom_header.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace mgca::io::detail {

inline bool is_dicom(std::span<const std::byte> b) { return b.size() >= 132 && big_endian(b, 128, 4) == 0x4449434DU; }

struct DicomWalkLimits {
  DicomSizeLimits size;
  std::int64_t elements, nesting;
  std::size_t inflated;
  std::optional<std::int64_t> frame;
};

struct DicomPiece {
  std::size_t at = 0, size = 0;
};

// Where the pixels are. Encapsulated: the offset table's entries and the fragments that follow it; else one piece.
struct DicomFile {
  explicit DicomFile(std::span<const std::byte> file) : bytes(file) {}
  DicomBytes bytes;
  DicomAttributes attributes;
  DicomHeader header;
  std::vector<std::uint32_t> offsets;
  std::vector<DicomPiece> pieces;
  bool encapsulated = false, words = false;  // words: OW
};

}  // namespace mgca::io::detail

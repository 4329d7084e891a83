// The names of what a DICOM reader must know: tags, value representations and transfer syntaxes.
// Reference: DICOM PS3.5 (transfer syntaxes, value representations), PS3.6 (names).
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/io/detail/image_container.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace mgca::io::detail {

using DicomTag = std::uint32_t;  // group << 16 | element

namespace dicom {
inline constexpr DicomTag kTransferSyntax = 0x0002'0010, kSamples = 0x0028'0002, kPhotometric = 0x0028'0004, kFrames = 0x0028'0008,
                          kRows = 0x0028'0010, kColumns = 0x0028'0011, kBitsAllocated = 0x0028'0100, kBitsStored = 0x0028'0101,
                          kHighBit = 0x0028'0102, kPixelRepresentation = 0x0028'0103, kWindowCenter = 0x0028'1050,
                          kWindowWidth = 0x0028'1051, kIntercept = 0x0028'1052, kSlope = 0x0028'1053, kWindowFunction = 0x0028'1056,
                          kModalityTable = 0x0028'3000, kWindowTable = 0x0028'3010, kFloatPixels = 0x7FE0'0008, kDoublePixels = 0x7FE0'0009,
                          kPixels = 0x7FE0'0010, kItem = 0xFFFE'E000, kItemEnd = 0xFFFE'E00D, kSequenceEnd = 0xFFFE'E0DD;
}  // namespace dicom

struct DicomName {
  DicomTag tag;
  std::string_view name;
  std::string_view representation;
};
// Every attribute that is read, with the representation it must have.
inline constexpr std::array kDicomNames{
    DicomName{dicom::kTransferSyntax, "TransferSyntaxUID", "UI"},
    DicomName{dicom::kSamples, "SamplesPerPixel", "US"},
    DicomName{dicom::kPhotometric, "PhotometricInterpretation", "CS"},
    DicomName{dicom::kFrames, "NumberOfFrames", "IS"},
    DicomName{dicom::kRows, "Rows", "US"},
    DicomName{dicom::kColumns, "Columns", "US"},
    DicomName{dicom::kBitsAllocated, "BitsAllocated", "US"},
    DicomName{dicom::kBitsStored, "BitsStored", "US"},
    DicomName{dicom::kHighBit, "HighBit", "US"},
    DicomName{dicom::kPixelRepresentation, "PixelRepresentation", "US"},
    DicomName{dicom::kWindowCenter, "WindowCenter", "DS"},
    DicomName{dicom::kWindowWidth, "WindowWidth", "DS"},
    DicomName{dicom::kIntercept, "RescaleIntercept", "DS"},
    DicomName{dicom::kSlope, "RescaleSlope", "DS"},
    DicomName{dicom::kWindowFunction, "VOILUTFunction", "CS"},
    DicomName{dicom::kModalityTable, "ModalityLUTSequence", "SQ"},
    DicomName{dicom::kWindowTable, "VOILUTSequence", "SQ"},
    DicomName{dicom::kFloatPixels, "FloatPixelData", "OF"},
    DicomName{dicom::kDoublePixels, "DoubleFloatPixelData", "OD"},
    DicomName{dicom::kPixels, "PixelData", ""},  // OB or OW
    DicomName{dicom::kItem, "Item", ""},
    DicomName{dicom::kItemEnd, "ItemDelimitationItem", ""},
    DicomName{dicom::kSequenceEnd, "SequenceDelimitationItem", ""},
};

// nullptr: an attribute that is passed over.
inline const DicomName* find_name(DicomTag tag) {
  if (const auto group = tag >> 16; group != 0x0028 && group != 0x7FE0 && group != 0xFFFE && group != 0x0002) return nullptr;
  const auto* found = std::find_if(kDicomNames.begin(), kDicomNames.end(), [&](const DicomName& one) { return one.tag == tag; });
  return found == kDicomNames.end() ? nullptr : found;
}

// "(0028,0010) Rows". Values never appear beside it but numbers that describe the pixels: a text may be a patient's name.
inline std::string tag_text(DicomTag tag) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text = "(";
  for (int shift = 28; shift >= 0; shift -= 4) {
    text += digits[tag >> shift & 15U];
    if (shift == 16) text += ',';
  }
  text += ')';
  if (const auto* known = find_name(tag)) text.append(" ").append(known->name);
  return text;
}

template <class... Pieces>
[[noreturn]] void dicom_fail(DicomTag tag, const Pieces&... pieces) {
  throw ImageProblem(tag_text(tag) + ": " + mgca::detail::join(pieces...));
}

// PS3.5 table 6.2-1, in two lines: with a length of two bytes; with two reserved bytes and a length of four.
inline constexpr std::string_view kShortRepresentations = "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US";
inline constexpr std::string_view kWideRepresentations = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";

enum class DicomCoding : std::uint8_t { native, run_length, jpeg_baseline, jpeg_extended, jpeg_lossless, jpeg_ls, unsupported };

struct DicomSyntax {
  std::string_view uid;  // behind "1.2.840.10008.1.2"
  std::string_view name;
  DicomCoding coding = DicomCoding::unsupported;
  bool explicit_representation = true;
  bool little_endian = true;
  bool deflated = false;
};
inline constexpr std::string_view kDicomSyntaxRoot = "1.2.840.10008.1.2";
inline constexpr std::array kDicomSyntaxes{
    DicomSyntax{"", "Implicit VR Little Endian", DicomCoding::native, false},
    DicomSyntax{".1", "Explicit VR Little Endian", DicomCoding::native},
    DicomSyntax{".1.99", "Deflated Explicit VR Little Endian", DicomCoding::native, true, true, true},
    DicomSyntax{".2", "Explicit VR Big Endian", DicomCoding::native, true, false},
    DicomSyntax{".5", "RLE Lossless", DicomCoding::run_length},
    DicomSyntax{".4.50", "JPEG Baseline (Process 1)", DicomCoding::jpeg_baseline},
    DicomSyntax{".4.51", "JPEG Extended (Process 2 and 4)", DicomCoding::jpeg_extended},
    DicomSyntax{".4.57", "JPEG Lossless (Process 14)", DicomCoding::jpeg_lossless},
    DicomSyntax{".4.70", "JPEG Lossless (Process 14, Selection Value 1)", DicomCoding::jpeg_lossless},
    DicomSyntax{".4.80", "JPEG-LS Lossless", DicomCoding::jpeg_ls},
    DicomSyntax{".4.81", "JPEG-LS Near-Lossless", DicomCoding::jpeg_ls},
    DicomSyntax{".1.98", "Encapsulated Uncompressed Explicit VR Little Endian"},
    DicomSyntax{".4.52", "JPEG Extended (Process 3 and 5)"},
    DicomSyntax{".4.53", "JPEG Spectral Selection (Process 6 and 8)"},
    DicomSyntax{".4.55", "JPEG Full Progression (Process 10 and 12)"},
    DicomSyntax{".4.90", "JPEG 2000 Lossless"},
    DicomSyntax{".4.91", "JPEG 2000"},
    DicomSyntax{".4.92", "JPEG 2000 Part 2 Lossless"},
    DicomSyntax{".4.93", "JPEG 2000 Part 2"},
    DicomSyntax{".4.94", "JPIP Referenced"},
    DicomSyntax{".4.95", "JPIP Referenced Deflate"},
    DicomSyntax{".4.100", "MPEG2 Main Profile, Main Level"},
    DicomSyntax{".4.101", "MPEG2 Main Profile, High Level"},
    DicomSyntax{".4.102", "MPEG-4 AVC/H.264 High Profile"},
    DicomSyntax{".4.103", "MPEG-4 AVC/H.264 BD-compatible High Profile"},
    DicomSyntax{".4.107", "HEVC/H.265 Main Profile"},
    DicomSyntax{".4.110", "JPEG XL Lossless"},
    DicomSyntax{".4.111", "JPEG XL JPEG Recompression"},
    DicomSyntax{".4.112", "JPEG XL"},
    DicomSyntax{".4.201", "High-Throughput JPEG 2000 Lossless"},
    DicomSyntax{".4.202", "High-Throughput JPEG 2000 Lossless RPCL"},
    DicomSyntax{".4.203", "High-Throughput JPEG 2000"},
};

inline const DicomSyntax& find_syntax(std::string_view uid) {
  if (uid.starts_with(kDicomSyntaxRoot)) {
    const auto rest = uid.substr(kDicomSyntaxRoot.size());
    const auto* found = std::find_if(kDicomSyntaxes.begin(), kDicomSyntaxes.end(), [&](const DicomSyntax& one) { return one.uid == rest; });
    if (found != kDicomSyntaxes.end()) return *found;
  }
  // Shown only where it is one of the standard: others may hold dates and device numbers.
  const bool shown =
      uid.starts_with("1.2.840.10008.") && uid.size() <= 40 && uid.find_first_not_of("0123456789.") == std::string_view::npos;
  dicom_fail(dicom::kTransferSyntax, shown ? uid : std::string_view("a private transfer syntax"),
             " is not supported; convert the file first");
}

}  // namespace mgca::io::detail

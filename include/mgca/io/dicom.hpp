// DICOM files to stored values and to 8-bit grey. Our own walker checks a file from end to end and reads native, deflated,
// run-length and 8-bit JPEG pixels; 12-bit and lossless JPEG and JPEG-LS are decoded by DCMTK in programs that link mgca::dicom.
// Grey pictures of 8 or 16 bits allocated are read; all else is refused, by the name of its tag or transfer syntax.
// No text out of a file, so nothing about a patient, ever stands in an error.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/io/detail/dicom_frames.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::io {

struct DicomLimits {
  std::int64_t pixels = std::int64_t{1} << 27;  // of a frame
  std::int64_t side = 32768;
  std::int64_t elements = 1 << 16;  // items and fragments count too
  std::int64_t nesting = 16;        // sequences within sequences
  std::int64_t header = 4 << 20;    // bytes of a deflated data set besides its pixels
};

struct DicomOptions {
  std::optional<std::int64_t> frame;  // of a file with several, which is refused otherwise
  DicomLimits limits;
};

enum class DicomPhotometric : std::uint8_t { monochrome1, monochrome2 };  // the least value is white; black
enum class DicomWindowShape : std::uint8_t { linear, linear_exact, sigmoid };

struct DicomWindow {
  double center = 0, width = 1;
};

struct DicomImage {
  Image<std::int32_t> stored;  // as the file holds them, unused bits cleared, sign extended
  DicomPhotometric photometric = DicomPhotometric::monochrome2;
  int bits_stored = 0;
  double slope = 1, intercept = 0;   // value = slope * stored + intercept
  std::vector<DicomWindow> windows;  // over those values
  DicomWindowShape shape = DicomWindowShape::linear;
  bool modality_table = false;  // the file has a table in place of slope and intercept, which is not read
  std::int64_t frames = 1;      // in the file
  std::string_view transfer_syntax;
};

// Whether 12-bit and lossless JPEG and JPEG-LS can be decoded, for a run's manifest: mgca::dicom is linked.
[[nodiscard]] inline bool dicom_has_dcmtk() { return detail::decode_with_dcmtk != nullptr; }

namespace detail {

inline DicomImage to_image(DicomFile& file) {
  const auto& a = file.attributes;
  const auto single = [](DicomTag tag, const std::vector<double>& values, double otherwise) {
    if (values.size() > 1) dicom_fail(tag, "expected one number, found ", values.size());
    return values.empty() ? otherwise : values[0];
  };
  DicomImage image{.photometric = file.header.white_is_least ? DicomPhotometric::monochrome1 : DicomPhotometric::monochrome2,
                   .bits_stored = file.header.bits_stored,
                   .slope = single(dicom::kSlope, a.slope, 1),
                   .intercept = single(dicom::kIntercept, a.intercept, 0),
                   .modality_table = a.modality_table,
                   .frames = file.header.frames,
                   .transfer_syntax = file.header.syntax->name};
  if (a.centers.size() != a.widths.size())
    dicom_fail(dicom::kWindowWidth, "expected one for each of ", a.centers.size(), " centres, found ", a.widths.size());
  for (std::size_t i = 0; i < a.centers.size(); ++i) image.windows.push_back({.center = a.centers[i], .width = a.widths[i]});
  if (a.window_function == "LINEAR_EXACT")
    image.shape = DicomWindowShape::linear_exact;
  else if (a.window_function == "SIGMOID")
    image.shape = DicomWindowShape::sigmoid;
  else if (!a.window_function.empty() && a.window_function != "LINEAR")
    dicom_fail(dicom::kWindowFunction, "expected LINEAR, LINEAR_EXACT or SIGMOID, found another value");
  image.stored = decode_frame(file);
  return image;
}

}  // namespace detail

// By content: "DICM" behind the 128 bytes that are never looked at. Older files without it are not recognised.
[[nodiscard]] inline bool is_dicom(std::span<const std::byte> bytes) { return detail::is_dicom(bytes); }

// `source` names the bytes in errors. Throws Error(data) with the reason: the tag, what was expected, what was found.
[[nodiscard]] inline DicomImage decode_dicom(std::span<const std::byte> bytes, const std::string& source,
                                             const DicomOptions& options = {}) {
  const auto& l = options.limits;
  MGCA_CHECK(l.pixels > 0 && l.side > 0 && l.elements > 0 && l.nesting > 0 && l.header > 0, "decode_dicom: expected positive limits");
  try {
    if (!is_dicom(bytes)) throw detail::ImageProblem("no 'DICM' at byte 128; files of before 1993, without a preamble, are not read");
    detail::DicomFile file(bytes);
    detail::DicomWalk(file, {.size = {.pixels = l.pixels, .side = l.side},
                             .elements = l.elements,
                             .nesting = l.nesting,
                             .inflated = static_cast<std::size_t>(l.header),
                             .frame = options.frame})
        .run();
    return detail::to_image(file);
  } catch (const detail::ImageProblem& problem) {
    fail(ErrorKind::data, source, ": damaged or unsupported DICOM file: ", problem.what());
  }
}

[[nodiscard]] inline DicomImage read_dicom(const std::filesystem::path& path, const DicomOptions& options = {}) {
  return decode_dicom(read_file(path), path.string(), options);
}

enum class DicomContrast : std::uint8_t {
  stored,    // |x| * 255 / max(x) of the stored values; slope, intercept and windows are ignored. The reference's rule
  rescaled,  // the same of slope * x + intercept
  window,    // slope and intercept, then a window to 0 ... 255
};

struct DicomGreyOptions {
  DicomContrast contrast = DicomContrast::stored;
  std::optional<DicomWindow> window;  // in place of the file's first
};

namespace detail {

inline std::uint8_t saturated(float value) {
  const float rounded = std::nearbyint(std::fabs(value));
  return static_cast<std::uint8_t>(rounded < 255 ? rounded : 255);
}

// DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3, to 0 ... 255.
inline std::uint8_t windowed(double value, const DicomWindow& window, DicomWindowShape shape) {
  double part = 0;
  switch (shape) {
    case DicomWindowShape::linear:
      part = window.width > 1 ? (value - (window.center - 0.5)) / (window.width - 1) + 0.5 : (value > window.center - 0.5 ? 1 : 0);
      break;
    case DicomWindowShape::linear_exact:
      part = (value - window.center) / window.width + 0.5;
      break;
    case DicomWindowShape::sigmoid:
      part = 1 / (1 + std::exp(-4 * (value - window.center) / window.width));
      break;
  }
  return static_cast<std::uint8_t>(part > 0 ? std::nearbyint(255 * std::min(part, 1.0)) : 0);
}

}  // namespace detail

// 8 bits, rounded half to even; MONOCHROME1 is inverted after that, so that white is bright in every picture. A picture whose
// largest value is 0 is black before inversion. Throws Error(argument) where a window is asked for and there is none, and where
// a file needs its modality table to be rescaled.
[[nodiscard]] inline GreyImage dicom_to_grey(const DicomImage& image, const DicomGreyOptions& options = {}) {
  const auto in = image.stored.pixels();
  MGCA_CHECK(!in.empty(), "dicom_to_grey: the image is empty");
  MGCA_CHECK(options.contrast == DicomContrast::stored || !image.modality_table,
             "dicom_to_grey: the file has a modality table, (0028,3000), which is not applied; use DicomContrast::stored");
  GreyImage out({.height = image.stored.height(), .width = image.stored.width()});
  if (options.contrast == DicomContrast::window) {
    MGCA_CHECK(options.window || !image.windows.empty(),
               "dicom_to_grey: the file has no window, (0028,1050); give one in DicomGreyOptions::window");
    const auto window = options.window ? *options.window : image.windows[0];
    const double least = image.shape == DicomWindowShape::linear ? 1 : 1e-9;
    MGCA_CHECK(window.width >= least && std::isfinite(window.width) && std::isfinite(window.center),
               "dicom_to_grey: expected a window at least ", least, " wide, got ", window.width);
    std::transform(in.begin(), in.end(), out.pixels().begin(),
                   [&](std::int32_t x) { return detail::windowed(image.slope * x + image.intercept, window, image.shape); });
  } else {
    const bool rescaled = options.contrast == DicomContrast::rescaled;
    const double slope = rescaled ? image.slope : 1, intercept = rescaled ? image.intercept : 0;
    const auto [least, most] = std::minmax_element(in.begin(), in.end());
    const double largest = slope * (slope < 0 ? *least : *most) + intercept;
    const auto scale = static_cast<float>(largest == 0 ? 0 : 255 / largest);  // single precision, as the reference multiplies
    std::transform(in.begin(), in.end(), out.pixels().begin(),
                   [&](std::int32_t x) { return detail::saturated(static_cast<float>(slope * x + intercept) * scale); });
  }
  if (image.photometric == DicomPhotometric::monochrome1) {
    for (auto& pixel : out.pixels()) pixel = static_cast<std::uint8_t>(255 - pixel);
  }
  return out;
}

}  // namespace mgca::io

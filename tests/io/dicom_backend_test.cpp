// Compiled twice, with and without stb_image.
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/io/image_file.hpp>

#include <algorithm>
#include <cstdlib>

using mgca::test::dicom_sample;

TEST_CASE("dicom: with stb_image everything but deflated files is read, 8-bit JPEG within a few levels", "[io][fast]") {
  const bool stb = mgca::io::kImageBackend == "stb_image";
  const auto native = mgca::io::read_image(dicom_sample("cxr_12_two_windows.dcm")), packed = mgca::io::read_image(dicom_sample("cxr_rle_12.dcm"));
  CHECK(std::equal(native.pixels().begin(), native.pixels().end(), packed.pixels().begin()));
  const auto plain = mgca::io::read_dicom(dicom_sample("cxr_explicit_8.dcm")), jpeg = mgca::io::read_dicom(dicom_sample("cxr_jpeg_baseline_8.dcm"));
  int worst = 0;
  for (std::size_t i = 0; i < plain.stored.pixels().size(); ++i)
    worst = std::max(worst, std::abs(plain.stored.pixels()[i] - jpeg.stored.pixels()[i]));
  CHECK((worst > 0 && worst < 16));  // quality 95
  if (stb) {
    mgca::test::expect_error([] { (void)mgca::io::read_image(dicom_sample("cxr_deflated_12.dcm")); },
                             {"cxr_deflated_12.dcm", "zlib", "MGCA_IMAGE_BACKEND_STB"});
  } else {
    const auto deflated = mgca::io::read_image(dicom_sample("cxr_deflated_12.dcm"));
    CHECK(std::equal(native.pixels().begin(), native.pixels().end(), deflated.pixels().begin()));
  }
}

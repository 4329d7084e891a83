#include "dicom_builder.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/core/hash.hpp>
#include <mgca/io/csv.hpp>
#include <mgca/io/dicom.hpp>
#include <mgca/io/image_file.hpp>

#include <cmath>
#include <map>
#include <thread>

using mgca::io::DicomContrast;
using mgca::io::DicomImage;
using mgca::io::DicomPhotometric;
using mgca::test::Bytes;
using mgca::test::DicomBuilder;
using mgca::test::dicom_sample;

namespace {

struct Row {
  std::map<std::string, std::string> cells;
  [[nodiscard]] const std::string& operator[](const std::string& column) const { return cells.at(column); }
  [[nodiscard]] std::int64_t frames() const { return std::stoll(cells.at("frames")); }
};

std::vector<Row> listed_rows(const std::string& name) {
  auto table = mgca::io::CsvTable::read(dicom_sample(name));
  std::vector<Row> all;
  table.for_each([&](const mgca::io::CsvRow& row) {
    Row one;
    for (std::size_t i = 0; i < table.header().size(); ++i) one.cells[table.header()[i]] = row.at(i);
    all.push_back(std::move(one));
  });
  return all;
}

// What is read of the samples, and why the others are not.
std::string expected_dicom_refusal(const Row& row) {
  static const std::map<std::string, std::string> reasons{
      {"JPEG2000.dcm", "transfer syntax JPEG 2000 is not supported"},
      {"cxr_j2k_12.dcm", "transfer syntax JPEG 2000 Lossless is not supported"},
      {"SC_rgb_rle.dcm", "(0028,0004) PhotometricInterpretation: expected MONOCHROME1 or MONOCHROME2, found RGB"},
      {"SC_rgb_small_odd_jpeg.dcm", "(0028,0004) PhotometricInterpretation: expected MONOCHROME1 or MONOCHROME2, found YBR_FULL"},
      {"rtdose_1frame.dcm", "(0028,0100) BitsAllocated: expected 8 or 16, found 32"},
      {"badVR.dcm", "(0028,0008) NumberOfFrames: expected a whole number"},
      {"MR_truncated.dcm", "(7FE0,0010) PixelData: its length is 8192 bytes, but 8130 are left"},
      {"meta_missing_tsyntax.dcm", "(0002,0010) TransferSyntaxUID: missing"},
      {"nested_priv_SQ.dcm", "(0028,0010) Rows: missing before the pixel data"},
  };
  const auto found = reasons.find(row["file"]);
  return found == reasons.end() ? "" : found->second;
}

bool needs_dcmtk(const Row& row) {
  static const std::vector<std::string> syntaxes{"1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.70"};
  return std::find(syntaxes.begin(), syntaxes.end(), row["transfer_syntax"]) != syntaxes.end();
}

// All frames as numpy would write them.
Bytes little_endian(const Row& row) {
  Bytes out;
  for (std::int64_t frame = 0; frame < row.frames(); ++frame) {
    const auto image = mgca::io::read_dicom(dicom_sample(row["file"]), {.frame = frame});
    for (const auto value : image.stored.pixels()) {
      out.push_back(static_cast<std::byte>(value));
      if (row["dtype"].ends_with("16")) out.push_back(static_cast<std::byte>(value >> 8));
    }
  }
  return out;
}

Bytes grey_file(const std::vector<unsigned>& pixels, DicomBuilder::Picture picture) {
  picture.rows = 1;
  picture.columns = static_cast<unsigned>(pixels.size());
  Bytes values;
  for (const auto pixel : pixels) {
    values.push_back(static_cast<std::byte>(pixel));
    if (picture.allocated == 16) values.push_back(static_cast<std::byte>(pixel >> 8));
  }
  if (values.size() % 2 != 0) values.push_back(std::byte{0});
  return DicomBuilder().picture(picture).pixels(values).bytes();
}

std::vector<int> grey_of(const DicomImage& image, const mgca::io::DicomGreyOptions& options = {}) {
  const auto grey = mgca::io::dicom_to_grey(image, options);
  return {grey.pixels().begin(), grey.pixels().end()};
}

}  // namespace

TEST_CASE("dicom: every public sample has the reference's stored values, or is refused for what it is", "[io][golden][fast]") {
  int read = 0, refused = 0;
  for (const auto& row : listed_rows("expected.csv")) {
    INFO(row["file"]);
    if (const auto reason = expected_dicom_refusal(row); !reason.empty()) {
      mgca::test::expect_error([&] { (void)mgca::io::read_dicom(dicom_sample(row["file"])); }, {row["file"], reason});
      ++refused;
      continue;
    }
    if (needs_dcmtk(row) && !mgca::io::dicom_has_dcmtk()) {
      mgca::test::expect_error([&] { (void)mgca::io::read_dicom(dicom_sample(row["file"])); },
                               {row["file"], "libdcmtk-dev", "-DMGCA_DICOM=ON", "mgca::dicom"});
      continue;
    }
    const auto image = mgca::io::read_dicom(dicom_sample(row["file"]), {.frame = 0});
    CHECK(std::to_string(image.stored.height()) == row["rows"]);
    CHECK(std::to_string(image.stored.width()) == row["columns"]);
    CHECK(std::to_string(image.frames) == row["frames"]);
    CHECK(std::to_string(image.bits_stored) == row["bits_stored"]);
    CHECK((image.photometric == DicomPhotometric::monochrome1) == (row["photometric"] == "MONOCHROME1"));
    // Decoders of JPEG agree in all of these but one, which has a test of its own.
    if (row["file"] != "JPGExtended.dcm") CHECK(mgca::sha256(little_endian(row)) == row["sha256_le"]);
    ++read;
  }
  CHECK(read == (mgca::io::dicom_has_dcmtk() ? 29 : 27));
  CHECK(refused == 9);
}

TEST_CASE("dicom: 12-bit JPEG is within one of the reference's decoder", "[io][golden][fast]") {
  if (!mgca::io::dicom_has_dcmtk()) return;
  const auto image = mgca::io::read_dicom(dicom_sample("JPGExtended.dcm"));
  const auto expected = listed_rows("stored.csv");
  REQUIRE(expected.size() > 250);
  for (const auto& row : expected) CHECK(std::abs(image.stored.pixels()[std::stoul(row["pixel"])] - std::stoi(row["stored"])) <= 1);
}

TEST_CASE("dicom: slope, intercept and window give the reference's display values", "[io][golden][fast]") {
  std::map<std::string, DicomImage> images;
  const auto expected = listed_rows("windows.csv");
  REQUIRE(expected.size() > 100);
  for (const auto& row : expected) {
    INFO(row["file"] << " at " << row["pixel"]);
    if (!images.contains(row["file"])) images.emplace(row["file"], mgca::io::read_dicom(dicom_sample(row["file"])));
    const auto& image = images.at(row["file"]);
    const int shown = grey_of(image, {.contrast = DicomContrast::window, .window = {}})[std::stoul(row["pixel"])];
    CHECK(std::abs((image.photometric == DicomPhotometric::monochrome1 ? 255 - shown : shown) - std::stod(row["shown"])) <= 0.501);
  }
  CHECK(images.at("cxr_12_two_windows.dcm").windows.size() == 2);
  CHECK(images.at("cxr_mono1_12_rescale.dcm").slope == 0.5);
  CHECK(images.at("cxr_mono1_12_rescale.dcm").intercept == -100);
  CHECK(images.at("cxr_signed_16_sigmoid.dcm").shape == mgca::io::DicomWindowShape::sigmoid);
}

TEST_CASE("dicom: all codings of one picture are the same picture", "[io][fast]") {
  const auto same = [](const std::string& one, const std::string& other, int offset) {
    INFO(one << " and " << other);
    const auto a = mgca::io::read_dicom(dicom_sample(one)), b = mgca::io::read_dicom(dicom_sample(other));
    REQUIRE(a.stored.size() == b.stored.size());
    CHECK(std::equal(a.stored.pixels().begin(), a.stored.pixels().end(), b.stored.pixels().begin(),
                     [&](auto x, auto y) { return x == y + offset; }));
  };
  for (const auto* other : {"MR_small_implicit.dcm", "MR_small_bigendian.dcm", "MR_small_RLE.dcm"}) same("MR_small.dcm", other, 0);
  for (const auto* other : {"cxr_12_dirty_high_bits.dcm", "cxr_rle_12.dcm", "cxr_deflated_12.dcm"})
    same("cxr_12_two_windows.dcm", other, 0);
  same("cxr_12_two_windows.dcm", "cxr_signed_12.dcm", 2048);
  same("cxr_12_two_windows.dcm", "cxr_signed_16_sigmoid.dcm", 2048);
  same("cxr_jpeg_baseline_8.dcm", "cxr_jpeg_baseline_3_fragments.dcm", 0);
  // MONOCHROME1 shows the same; the largest stored values differ, so a window and not the reference's rule.
  const auto positive = mgca::io::read_dicom(dicom_sample("cxr_explicit_8.dcm"));
  const mgca::io::DicomGreyOptions whole{.contrast = DicomContrast::window, .window = mgca::io::DicomWindow{.center = 128, .width = 256}};
  CHECK(grey_of(positive, whole) == grey_of(mgca::io::read_dicom(dicom_sample("cxr_mono1_8.dcm")), whole));
}

TEST_CASE("dicom: the reference's rule scales by the largest stored value, rounds half to even and inverts MONOCHROME1 last",
          "[io][fast]") {
  const auto image_of = [](const std::vector<unsigned>& pixels, const DicomBuilder::Picture& picture) {
    return mgca::io::decode_dicom(grey_file(pixels, picture), "made");
  };
  const DicomBuilder::Picture twelve{.allocated = 16, .stored = 12, .high = 11};
  CHECK(grey_of(image_of({0, 1, 3, 510}, twelve)) == std::vector<int>{0, 0, 2, 255});  // 0.5 and 1.5, both to even
  auto inverted = twelve;
  inverted.photometric = "MONOCHROME1";
  CHECK(grey_of(image_of({0, 1, 3, 510}, inverted)) == std::vector<int>{255, 255, 253, 0});
  // Nothing but zeros: black, or white where it is inverted.
  CHECK(grey_of(image_of({0, 0}, twelve)) == std::vector<int>{0, 0});
  CHECK(grey_of(image_of({0, 0}, inverted)) == std::vector<int>{255, 255});
  // Signed: the absolute value, saturated; -1 and 2 of 12 bits, with ones in the unused bits.
  const DicomBuilder::Picture is_signed{.allocated = 16, .stored = 12, .high = 11, .representation = 1};
  const auto negative = image_of({0xFFFF, 0xF002, 0xF000, 0x0800}, is_signed);
  CHECK(std::vector<int>(negative.stored.pixels().begin(), negative.stored.pixels().end()) == std::vector<int>{-1, 2, 0, -2048});
  CHECK(grey_of(negative) == std::vector<int>{128, 255, 0, 255});
  CHECK(grey_of(image_of({0xFFFE, 0xFFFC}, is_signed)) == std::vector<int>{255, 255});  // the largest is -2
}

TEST_CASE("dicom: rescaled contrast applies slope and intercept first, a window given takes the place of the file's", "[io][fast]") {
  auto file = DicomBuilder().picture({.rows = 1, .columns = 4}).text(0x00281050, "DS", "100\\50").text(0x00281051, "DS", "10\\20");
  file.text(0x00281052, "DS", " -10 ").text(0x00281053, "DS", "+2.0e0");
  const std::vector<std::byte> pixels{std::byte{5}, std::byte{10}, std::byte{55}, std::byte{105}};
  const auto image = mgca::io::decode_dicom(file.pixels(pixels).bytes(), "made");
  REQUIRE(image.windows.size() == 2);
  CHECK(grey_of(image, {.contrast = DicomContrast::rescaled, .window = {}}) ==
        std::vector<int>{0, 13, 128, 255});  // of 0, 10, 100, 200; 12.75, 127.5
  CHECK(grey_of(image, {.contrast = DicomContrast::window, .window = {}}) ==
        std::vector<int>{0, 0, 142, 255});  // ((100 - 99.5) / 9 + 0.5) * 255 = 141.67
  CHECK(grey_of(image, {.contrast = DicomContrast::window, .window = mgca::io::DicomWindow{.center = 100.5, .width = 201}}) ==
        std::vector<int>{0, 13, 128, 255});
  mgca::test::expect_error(
      [&] { (void)grey_of(image, {.contrast = DicomContrast::window, .window = mgca::io::DicomWindow{.center = 1, .width = 0}}); },
      {"window", "got 0"});
  const auto plain = mgca::io::decode_dicom(grey_file({1, 2}, {}), "made");
  mgca::test::expect_error([&] { (void)grey_of(plain, {.contrast = DicomContrast::window, .window = {}}); }, {"(0028,1050)", "give one"});
  const auto table = mgca::io::read_dicom(dicom_sample("cxr_8_modality_lut.dcm"));
  mgca::test::expect_error([&] { (void)grey_of(table, {.contrast = DicomContrast::rescaled, .window = {}}); },
                           {"(0028,3000)", "DicomContrast::stored"});
}

TEST_CASE("dicom: decode_image tells DICOM by content and gives its grey picture", "[io][fast]") {
  const auto path = dicom_sample("cxr_12_two_windows.dcm");
  mgca::test::Scratch scratch;
  std::filesystem::copy(path, scratch / "scan.jpg");
  const auto read = mgca::io::read_image(scratch / "scan.jpg");
  const auto grey = mgca::io::dicom_to_grey(mgca::io::read_dicom(path));
  REQUIRE(read.size() == grey.size());
  CHECK(std::equal(grey.pixels().begin(), grey.pixels().end(), read.pixels().begin()));
  mgca::test::expect_error([&] { (void)mgca::io::decode_image(mgca::read_file(path), "x", {.pixels = 16383}); },
                           {"x: ", "128 x 128 pixels are over the limit of 16383"});
  mgca::test::expect_error([] { (void)mgca::io::read_image(dicom_sample("emri_small_RLE.dcm")); },
                           {"emri_small_RLE.dcm", "NumberOfFrames", "10 pictures", "DicomOptions::frame"});
}

TEST_CASE("dicom: the preamble is never looked at, and a file without one is no DICOM file", "[io][fast]") {
  auto bytes = mgca::read_file(dicom_sample("chrX1.dcm"));
  const auto plain = mgca::io::decode_image(bytes, "x");
  const auto executable = mgca::test::bytes_of(std::string("MZ\x90") + std::string(57, '\0') + "\xFF\xD8\xFF\xE0 JFIF");
  std::copy(executable.begin(), executable.end(), bytes.begin());
  const auto disguised = mgca::io::decode_image(bytes, "x");
  CHECK(std::equal(plain.pixels().begin(), plain.pixels().end(), disguised.pixels().begin()));
  const std::span<const std::byte> headless = std::span(bytes).subspan(132);
  CHECK_FALSE(mgca::io::is_dicom(headless));
  mgca::test::expect_error([&] { (void)mgca::io::decode_dicom(headless, "old.dcm"); }, {"old.dcm", "no 'DICM' at byte 128"});
  mgca::test::expect_error([&] { (void)mgca::io::decode_image(headless, "old.dcm"); }, {"old.dcm", "nor DICOM"});
}

TEST_CASE("dicom: a frame is chosen by number, by fragment or by offset table", "[io][fast]") {
  const auto path = dicom_sample("emri_small_RLE.dcm");
  const auto third = mgca::io::read_dicom(path, {.frame = 2}), fourth = mgca::io::read_dicom(path, {.frame = 3});
  CHECK_FALSE(std::equal(third.stored.pixels().begin(), third.stored.pixels().end(), fourth.stored.pixels().begin()));
  mgca::test::expect_error([&] { (void)mgca::io::read_dicom(path, {.frame = 10}); }, {"10 pictures", "number 10"});
  mgca::test::expect_error([&] { (void)mgca::io::read_dicom(path, {.frame = -1}); }, {"10 pictures", "number -1"});
  // Two frames of two fragments each: only the offset table says which is whose.
  const auto head =
      mgca::test::run_length_frame({{std::byte{0xFF}, std::byte{7}, std::byte{0xFF}, std::byte{8}, std::byte{0xFF}, std::byte{9}}});
  const Bytes first(head.begin(), head.begin() + 66), second(head.begin() + 66, head.end());
  const DicomBuilder::Picture picture{.frames = "2"};
  const auto file = [&](const std::vector<std::uint32_t>& offsets) {
    return DicomBuilder(mgca::test::kRunLengthSyntax).picture(picture).fragments({first, second, head, Bytes(2)}, offsets).bytes();
  };
  const auto chosen = mgca::io::decode_dicom(file({0, 86}), "x", {.frame = 0});
  CHECK(std::vector<int>(chosen.stored.pixels().begin(), chosen.stored.pixels().end()) == std::vector<int>{7, 7, 8, 8, 9, 9});
  mgca::test::expect_error([&] { (void)mgca::io::decode_dicom(file({}), "x", {.frame = 0}); },
                           {"(7FE0,0010) PixelData", "4 fragments for 2 frames"});
  mgca::test::expect_error(
      [&] {
        (void)mgca::io::decode_dicom(file({0, 85}), "x", {.frame = 0});
      },
      {"offset table points to where no fragment begins"});
  mgca::test::expect_error(
      [&] {
        (void)mgca::io::decode_dicom(file({0, 0}), "x", {.frame = 0});
      },
      {"offset table does not begin with 0 and ascend"});
  mgca::test::expect_error([&] { (void)mgca::io::decode_dicom(file({0}), "x", {.frame = 0}); },
                           {"offset table has 4 bytes, expected 0 or 4 for each of 2"});
}

TEST_CASE("dicom: bytes in big-endian words are put in order", "[io][fast]") {
  const std::vector<std::byte> swapped{std::byte{2}, std::byte{1}, std::byte{4}, std::byte{3}, std::byte{0}, std::byte{5}};
  const auto file = [&](std::string_view representation) {
    return DicomBuilder(mgca::test::kBigEndianSyntax).picture({.rows = 1, .columns = 5}).pixels(swapped, representation).bytes();
  };
  const auto words = mgca::io::decode_dicom(file("OW"), "x"), plain = mgca::io::decode_dicom(file("OB"), "x");
  CHECK(std::vector<int>(words.stored.pixels().begin(), words.stored.pixels().end()) == std::vector<int>{1, 2, 3, 4, 5});
  CHECK(std::vector<int>(plain.stored.pixels().begin(), plain.stored.pixels().end()) == std::vector<int>{2, 1, 4, 3, 0});
}

TEST_CASE("dicom: several threads decode at once and agree", "[io][fast]") {
  const std::vector<std::string> names{"cxr_rle_12.dcm", "cxr_jpegls_12.dcm", "cxr_jpeg_lossless_12.dcm", "cxr_jpeg_baseline_8.dcm",
                                       "cxr_deflated_12.dcm"};
  std::vector<Bytes> files;
  std::vector<std::string> alone;
  const auto digest = [&](const Bytes& bytes) {
    try {
      const auto image = mgca::io::decode_dicom(bytes, "x");
      return mgca::sha256(std::as_bytes(image.stored.pixels()));
    } catch (const mgca::Error& error) {
      return std::string(error.what());
    }
  };
  for (const auto& name : names) alone.push_back(digest(files.emplace_back(mgca::read_file(dicom_sample(name)))));
  std::vector<int> agreed(4);
  std::vector<std::thread> threads;
  for (auto& count : agreed) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < 5; ++i) count += digest(files[i % names.size()]) == alone[i % names.size()] ? 1 : 0;
    });
  }
  for (auto& one : threads) one.join();
  CHECK(agreed == std::vector<int>{5, 5, 5, 5});
}

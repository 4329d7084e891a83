// Every kind of PNG and JPEG against OpenCV's greyscale reading, and what can be asked of the decoder.
#include "catch.hpp"
#include "expect_error.hpp"
#include "image_builder.hpp"
#include "paths.hpp"

#include <mgca/io/csv.hpp>
#include <mgca/io/image_file.hpp>

#include <cmath>

using mgca::GreyImage;
using mgca::test::Bytes;
using mgca::test::expect_error;
using mgca::test::picture_sample;

namespace {

double mean_difference(const GreyImage& a, const GreyImage& b) {
  REQUIRE(a.size() == b.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels().size(); ++i) sum += std::abs(a.pixels()[i] - b.pixels()[i]);
  return sum / static_cast<double>(a.pixels().size());
}

mgca::io::DecodedImage decoded(std::span<const std::byte> bytes, const mgca::io::ImageOptions& options) {
  return mgca::io::decode_image_as(bytes, "probe.jpg", options);
}

// The file without its first segment of this marker.
Bytes without(const Bytes& jpeg, unsigned marker) {
  const auto at = static_cast<std::ptrdiff_t>(mgca::test::jpeg_segment(jpeg, marker));
  const auto length = 2 + static_cast<std::ptrdiff_t>(mgca::io::detail::big_endian(jpeg, static_cast<std::size_t>(at) + 2, 2));
  Bytes out(jpeg.begin(), jpeg.begin() + at);
  out.insert(out.end(), jpeg.begin() + at + length, jpeg.end());
  return out;
}

}  // namespace

TEST_CASE("image_file: every readable sample has the grey pixels that OpenCV reads", "[io][golden][fast]") {
  auto table = mgca::io::CsvTable::read(picture_sample("grey.csv"));
  int compared = 0;
  table.for_each([&](const mgca::io::CsvRow& row) {
    const auto name = std::string(row.at(0));
    INFO(name);
    const auto image = mgca::io::read_image(picture_sample(name));
    CHECK(std::to_string(image.width()) == row.at(1));
    CHECK(std::to_string(image.height()) == row.at(2));
#ifdef MGCA_IMAGE_BACKEND_STB
    if ((name.ends_with(".jpg") && name != "png_named.jpg") || name == "jpeg_named.png") return;  // its JPEG pixels differ by a few levels
    if (name.ends_with("2c16.png") || name.ends_with("6a16.png") || name.starts_with("pngsuite/g")) return;  // and these by one
#endif
    CHECK(std::to_string(mgca::io::detail::crc32<0xEDB88320U>(std::as_bytes(image.pixels()))) == row.at(3));
    ++compared;
  });
  CHECK(compared >= 44);
}

TEST_CASE("image_file: CMYK becomes the grey of what its inks leave", "[io][fast]") {
  const auto inks = mgca::io::read_image(picture_sample("cmyk.jpg")), colours = mgca::io::read_image(picture_sample("rgb_444.jpg"));
  CHECK(mean_difference(inks, colours) < 4);
  const auto bare = without(mgca::read_file(picture_sample("cmyk.jpg")), 0xEE);  // without the Adobe marker: 255 is full black
#ifdef MGCA_IMAGE_BACKEND_STB
  expect_error([&] { (void)decoded(bare, {}); }, {"probe.jpg", "four colours", "convert"});
#else
  const auto black = decoded(bare, {}).image;
  CHECK(std::all_of(black.pixels().begin(), black.pixels().end(), [](std::uint8_t v) { return v <= 3; }));
#endif
}

#ifndef MGCA_IMAGE_BACKEND_STB
namespace {

Bytes flat_inks(std::array<JSAMPLE, 4> inks, J_COLOR_SPACE stored, bool adobe) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long length = 0;
  jpeg_mem_dest(&info, &buffer, &length);
  info.image_width = 16, info.image_height = 8;
  info.input_components = 4;
  info.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, stored);
  jpeg_set_quality(&info, 100, TRUE);
  info.write_Adobe_marker = adobe ? TRUE : FALSE;
  jpeg_start_compress(&info, TRUE);
  std::vector<JSAMPLE> line;
  for (int x = 0; x < 16; ++x) line.insert(line.end(), inks.begin(), inks.end());
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = line.data();
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  const auto* begin = reinterpret_cast<const std::byte*>(buffer);
  Bytes out(begin, begin + length);
  std::free(buffer);
  return out;
}

}  // namespace

TEST_CASE("image_file: CMYK and YCCK mean the same, and without an Adobe marker the inks are not inverted", "[io][fast]") {
  const std::array<JSAMPLE, 4> inverted{200, 150, 100, 220}, plain{55, 105, 155, 35};
  const double expected = 220.0 / 255 * (0.299 * 200 + 0.587 * 150 + 0.114 * 100);
  for (const auto& file : {flat_inks(inverted, JCS_CMYK, true), flat_inks(inverted, JCS_YCCK, true), flat_inks(plain, JCS_CMYK, false)}) {
    const auto image = decoded(file, {}).image;
    REQUIRE(image.size() == mgca::ImageSize{.height = 8, .width = 16, .channels = 1});
    for (const auto pixel : image.pixels()) REQUIRE(std::abs(pixel - expected) <= 2);
  }
}

TEST_CASE("image_file: a JPEG decoded at reduced size keeps the picture and says its scale", "[io][fast]") {
  GreyImage smooth({.height = 203, .width = 161});
  for (std::int64_t y = 0; y < smooth.height(); ++y) {
    for (std::int64_t x = 0; x < smooth.width(); ++x) smooth.at(y, x) = static_cast<std::uint8_t>(x / 2 + y / 2);
  }
  const auto bytes = mgca::io::encode_jpeg(smooth.plane(), 98);
  struct Row {
    std::int64_t target;
    int reduction;
  };
  for (const auto& [target, reduction] : {Row{0, 1}, Row{161, 1}, Row{81, 1}, Row{80, 2}, Row{41, 2}, Row{40, 4}, Row{20, 8}, Row{1, 8}}) {
    INFO("target " << target);
    const auto small = decoded(bytes, {.reduced_to = target});
    CHECK(small.reduction == reduction);
    CHECK(small.full == smooth.size());
    REQUIRE(small.image.size() ==
            mgca::ImageSize{.height = (203 + reduction - 1) / reduction, .width = (161 + reduction - 1) / reduction, .channels = 1});
    for (std::int64_t y = 0; y < 203 / reduction; ++y) {
      for (std::int64_t x = 0; x < 161 / reduction; ++x) {
        const double centre = (static_cast<double>(reduction * (x + y)) + reduction - 1) / 2;  // the ramp there
        REQUIRE(std::abs(small.image.at(y, x) - centre) <= 3);
      }
    }
  }
  const auto png = decoded(mgca::io::encode_png(smooth.plane()), {.reduced_to = 20});
  CHECK(png.reduction == 1);
  CHECK(png.image.size() == smooth.size());
  const auto turned = decoded(mgca::read_file(picture_sample("exif_orientation_6.jpg")), {.reduced_to = 20});
  CHECK(turned.reduction == 2);
  CHECK(turned.full == mgca::ImageSize{.height = 101, .width = 77, .channels = 1});
  CHECK(turned.image.size() == mgca::ImageSize{.height = 51, .width = 39, .channels = 1});
}
#endif

TEST_CASE("image_file: a JPEG that ends early is shown only to who asks, with its damage named", "[io][fast]") {
  for (const std::string name : {"grey_baseline.jpg", "grey_progressive.jpg", "rgb_420.jpg", "cmyk.jpg"}) {
    INFO(name);
    const auto whole = mgca::read_file(picture_sample(name));
    const auto complete = decoded(whole, {.tolerant = true});
    CHECK(complete.damage.empty());
    const auto cut = std::span(whole).first(whole.size() * 7 / 8);
    expect_error([&] { (void)decoded(cut, {}); }, {"probe.jpg", "cut off"});
    const auto shown = decoded(cut, {.tolerant = true});
    CHECK_FALSE(shown.damage.empty());
    REQUIRE(shown.image.size() == complete.image.size());
    if (name == "grey_progressive.jpg") continue;  // every row is there, less sharp
    for (std::int64_t y = 0; y < 16; ++y) {
      REQUIRE(std::equal(shown.image.plane().row(y).begin(), shown.image.plane().row(y).end(), complete.image.plane().row(y).begin()));
    }
  }
}

TEST_CASE("image_file: tolerance is for files that end early, not for other damage, and a cut behind the last row changes nothing",
          "[io][fast]") {
  auto jpeg = mgca::read_file(picture_sample("grey_baseline.jpg"));
  const auto whole = decoded(jpeg, {});
  const auto scan = mgca::test::jpeg_segment(jpeg, 0xDA);
  for (std::size_t length = 2; length <= scan + 2; length += 5) {
    REQUIRE_THROWS_AS(decoded(std::span(jpeg).first(length), {.tolerant = true}), mgca::Error);  // no scan has begun
  }
  const auto endless = decoded(std::span(jpeg).first(jpeg.size() - 2), {.tolerant = true});
  CHECK_FALSE(endless.damage.empty());
  CHECK(mean_difference(endless.image, whole.image) == 0);
  auto cut_png = mgca::read_file(picture_sample("cxr_grey8.png"));
  cut_png.resize(cut_png.size() - 40);
  CHECK_THROWS_AS(decoded(cut_png, {.tolerant = true}), mgca::Error);
  jpeg[mgca::test::jpeg_segment(jpeg, 0xC4) + 5] = std::byte{255};
  CHECK_THROWS_AS(decoded(jpeg, {.tolerant = true}), mgca::Error);
}

TEST_CASE("image_file: kinds of JPEG that decoders read differently are refused by name", "[io][fast]") {
  expect_error([] { (void)mgca::io::read_image(picture_sample("arithmetic.jpg")); }, {"arithmetic.jpg", "arithmetic coding", "convert"});
  const auto good = mgca::read_file(picture_sample("grey_baseline.jpg"));
  const auto frame = mgca::test::jpeg_segment(good, 0xC0);
  struct Kind {
    unsigned marker;
    std::string said;
  };
  for (const auto& [marker, said] :
       {Kind{0xC3, "lossless"}, Kind{0xC5, "hierarchical"}, Kind{0xC7, "hierarchical"}, Kind{0xC9, "arithmetic"}, Kind{0xCA, "arithmetic"},
        Kind{0xCB, "arithmetic"}, Kind{0xCF, "arithmetic"}}) {
    auto bytes = good;
    bytes[frame + 1] = static_cast<std::byte>(marker);
    expect_error([&] { (void)decoded(bytes, {}); }, {"probe.jpg", said, "convert"});
  }
  auto twelve = good;
  twelve[frame + 4] = std::byte{12};
  expect_error([&] { (void)decoded(twelve, {}); }, {"12 bits", "16-bit PNG"});
}

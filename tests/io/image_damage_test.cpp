#include "catch.hpp"
#include "cpu_time.hpp"
#include "expect_error.hpp"
#include "image_builder.hpp"
#include "paths.hpp"

#include <mgca/core/random.hpp>
#include <mgca/io/image_file.hpp>

#include <algorithm>
#include <sys/resource.h>

using mgca::GreyImage;
using mgca::test::Bytes;
using mgca::test::cpu_seconds;
using mgca::test::deflated_zeros;
using mgca::test::picture_sample;
using mgca::test::PngBuilder;

namespace {

// 200 of the radiographs that come with the project, in a fixed order.
std::vector<std::filesystem::path> radiographs() {
  std::vector<std::filesystem::path> all;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(MGCA_TESTS_DIR) / ".." / "examples" / "data" / "nih-mini" / "images")) {
    all.push_back(entry.path());
  }
  REQUIRE(all.size() >= 200);
  std::sort(all.begin(), all.end());
  all.resize(200);
  return all;
}

// The reason for a refusal, "" where the file was read.
std::string refusal(std::span<const std::byte> bytes) {
  try {
    (void)mgca::io::decode_image(bytes, "probe.bin");
    return "";
  } catch (const mgca::Error& error) {
    CHECK(error.kind() == mgca::ErrorKind::data);
    CHECK(std::string(error.what()).starts_with("probe.bin: "));
    return error.what();
  }
}

Bytes png_of(const mgca::test::PngHeader& header, std::span<const std::byte> data) { return PngBuilder(header).chunk("IDAT", data).end(); }

// A file with the frame header's height, width and component count changed.
Bytes with_frame(Bytes jpeg, unsigned marker, std::initializer_list<std::pair<std::size_t, unsigned>> changes) {
  const auto at = mgca::test::jpeg_segment(jpeg, marker);
  for (const auto& [offset, value] : changes) jpeg[at + offset] = static_cast<std::byte>(value);
  return jpeg;
}

Bytes with_scans(int count) {
  auto jpeg = mgca::read_file(picture_sample("grey_progressive.jpg"));
  const auto scan = mgca::test::jpeg_segment(jpeg, 0xDA);
  const Bytes first(jpeg.begin() + static_cast<std::ptrdiff_t>(scan), jpeg.begin() + static_cast<std::ptrdiff_t>(scan) + 40);
  Bytes out(jpeg.begin(), jpeg.begin() + static_cast<std::ptrdiff_t>(scan));
  for (int i = 0; i < count; ++i) mgca::test::append(out, first);
  mgca::test::append_big_endian(out, 0xFFD9, 2);
  return out;
}

}  // namespace

TEST_CASE("image_file: 200 radiographs cut anywhere are refused, 200 of 200, as are 200 cuts of one", "[io][fast]") {
  mgca::RandomStream random({.seed = 21}, mgca::Use::test);
  int whole = 0, refused = 0;
  for (const auto& path : radiographs()) {
    const auto bytes = mgca::read_file(path);
    whole += refusal(bytes).empty() ? 1 : 0;
    const auto kept = static_cast<std::size_t>(random.uniform(0.3, 0.99) * static_cast<double>(bytes.size()));
    refused += refusal(std::span(bytes).first(kept)).empty() ? 0 : 1;
  }
  CHECK(whole == 200);
  CHECK(refused == 200);
  const auto bytes = mgca::read_file(picture_sample("rgb_420.jpg"));
  for (std::size_t i = 0; i < 200; ++i) {
    INFO("cut to " << i * bytes.size() / 200);
    REQUIRE_FALSE(refusal(std::span(bytes).first(i * bytes.size() / 200)).empty());
  }
}

TEST_CASE("image_file: 200 PNG radiographs with one flipped bit are refused, at least 199 of 200", "[io][fast]") {
  mgca::RandomStream random({.seed = 22}, mgca::Use::test);
  int refused = 0;
  for (const auto& path : radiographs()) {
    const auto whole = mgca::io::read_image(path);
    GreyImage half({.height = whole.height() / 2, .width = whole.width() / 2});
    for (std::int64_t y = 0; y < half.height(); ++y) {
      for (std::int64_t x = 0; x < half.width(); ++x) half.at(y, x) = whole.at(2 * y, 2 * x);
    }
    auto bytes = mgca::io::encode_png(half.plane());
    REQUIRE(refusal(bytes).empty());
    const auto bit = bytes.size() * 2 + random.below(bytes.size() * 6);  // in the last three quarters
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    refused += refusal(bytes).empty() ? 0 : 1;
  }
  CHECK(refused >= 199);
}

TEST_CASE("image_file: a damaged chunk with a checksum that fits is found by the pixel data's own checksum", "[io][fast]") {
  auto data = deflated_zeros(8 * 9);
  REQUIRE(refusal(png_of({}, data)).empty());
  for (std::size_t i = 1; i <= 4; ++i) {
    data[data.size() - i] ^= std::byte{0x10};
    CHECK_FALSE(refusal(png_of({}, data)).empty());
    data[data.size() - i] ^= std::byte{0x10};
  }
}

TEST_CASE("image_file: bombs are refused for what they are, in milliseconds and without memory", "[io][fast]") {
  const auto small = deflated_zeros(8 * 9);
  const auto grey = mgca::read_file(picture_sample("grey_baseline.jpg"));
  const auto header = PngBuilder({}).bytes();
  auto many = PngBuilder({}).chunk("IDAT", {}).bytes();
  const Bytes empty(many.begin() + static_cast<std::ptrdiff_t>(header.size()), many.end());
  many.reserve(header.size() + 1'000'000 * empty.size());
  for (int i = 1; i < 1'000'000; ++i) many.insert(many.end(), empty.begin(), empty.end());
  struct Bomb {
    std::string name;
    Bytes bytes;
    std::string said;
  };
  std::vector<Bomb> bombs{
      {"PNG of 65535 x 65535", png_of({.width = 65535, .height = 65535, .depth = 1}, deflated_zeros(1 << 20)), "65535 x 65535 pixels are over the limit"},
      {"PNG of 30000 x 30000", png_of({.width = 30000, .height = 30000}, deflated_zeros(1 << 20)), "30000 x 30000"},
      {"PNG of 2^31 - 1 a side", png_of({.width = 0x7FFFFFFF, .height = 0x7FFFFFFF}, small), "over the limit"},
      {"PNG of 2^32 - 1 a side", png_of({.width = 0xFFFFFFFF, .height = 0xFFFFFFFF}, small), "over the limit"},
      {"PNG of 11000 x 11000 with the data of 8 x 8", png_of({.width = 11000, .height = 11000}, small), "too little pixel data"},
      {"PNG of 8 x 8 with the data of 256 MB", png_of({.width = 8, .height = 8}, deflated_zeros(256 << 20)), "more pixel data than"},
      {"PNG of 800 x 800 with the data of 600 MB", png_of({.width = 800, .height = 800}, deflated_zeros(600 << 20)), "PNG: "},
      {"PNG with one row too many", png_of({.width = 8, .height = 8}, deflated_zeros(9 * 9)), "PNG: "},
      {"PNG with one row too few", png_of({.width = 8, .height = 8}, deflated_zeros(7 * 9)), "PNG: "},
      {"PNG with bytes behind its compressed data", png_of({.width = 8, .height = 8}, [&] { auto d = small; d.resize(d.size() + 5); return d; }()), "PNG: "},
      {"PNG with a million empty data chunks", many, "more than 65536 chunks"},
      {"PNG with two headers", PngBuilder({}).chunk("IHDR", Bytes(13)).end(), "header"},
      {"PNG with three bits a sample", png_of({.depth = 3}, small), "colour type 0 with 3 bits"},
      {"PNG of colour type 5", png_of({.color = 5}, small), "colour type 5 with 8 bits"},
      {"PNG without pixel data", PngBuilder({}).end(), "no pixel data"},
      {"PNG with a palette of no colours", png_of({.color = 3}, small), ""},
      {"JPEG of 65500 x 65500", with_frame(grey, 0xC0, {{5, 0xFF}, {6, 0xDC}, {7, 0xFF}, {8, 0xDC}}), "65500 x 65500"},
      {"JPEG without height (DNL)", with_frame(grey, 0xC0, {{5, 0}, {6, 0}}), "0 pixels"},
      {"JPEG of 0 components", with_frame(grey, 0xC0, {{9, 0}}), "0 colour components"},
      {"JPEG of 16 components", with_frame(grey, 0xC0, {{9, 16}}), "16 colour components"},
      {"JPEG of 2 components", with_frame(grey, 0xC0, {{9, 2}}), "2 colour components"},
      {"JPEG with 300 codes in a Huffman table", with_frame(grey, 0xC4, {{5, 255}, {6, 45}}), "Huffman"},
      {"JPEG of 4 components in a header for 1", with_frame(grey, 0xC0, {{9, 4}}), "wrong length"},
      {"JPEG of 12 bits", with_frame(grey, 0xC0, {{4, 12}}), "12 bits"},
      {"JPEG of 10,000 scans", with_scans(10000), "more than 200 scans"},
  };
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  for (const auto& bomb : bombs) {
    INFO(bomb.name);
    std::string message;
    double spent = 1;
    for (int attempt = 0; attempt < 3 && spent >= 0.25; ++attempt) {  // again where other programs got in between
      const double start = cpu_seconds();
      message = refusal(bomb.bytes);
      spent = std::min(spent, cpu_seconds() - start);
    }
    INFO(message << " after " << 1000 * spent << " ms");
    CHECK_FALSE(message.empty());
    CHECK(message.find(bomb.said) != std::string::npos);
    CHECK(spent < 0.25);  // 50 ms are promised of optimised code; unpacking the 600 MB takes seconds
  }
  ::getrusage(RUSAGE_SELF, &after);
  CHECK(after.ru_maxrss - before.ru_maxrss < 16 * 1024);  // KiB
}

TEST_CASE("image_file: limits are the caller's, and a file at the limit is read", "[io][fast]") {
  const auto bytes = png_of({.width = 100, .height = 50}, deflated_zeros(50 * 101));
  CHECK_NOTHROW(mgca::io::decode_image(bytes, "x", {.pixels = 5000, .side = 100}));
  mgca::test::expect_error([&] { (void)mgca::io::decode_image(bytes, "x", {.pixels = 4999}); }, {"100 x 50", "4999"});
  mgca::test::expect_error([&] { (void)mgca::io::decode_image(bytes, "x", {.side = 99}); }, {"100 x 50", "99 per side"});
  mgca::test::expect_error([&] { (void)mgca::io::decode_image(bytes, "x", {.chunks = 2}); }, {"more than 2 chunks"});
  CHECK_NOTHROW(mgca::io::decode_image(mgca::read_file(picture_sample("grey_progressive.jpg")), "x", {.scans = 20}));
  mgca::test::expect_error([] { (void)mgca::io::decode_image(mgca::read_file(picture_sample("grey_progressive.jpg")), "x", {.scans = 2}); }, {"more than 2 scans"});
}

TEST_CASE("image_file: all eight EXIF orientations show the same picture", "[io][fast]") {
  const auto upright = mgca::io::read_image(picture_sample("exif_orientation_1.jpg"));
  const auto w = upright.width(), h = upright.height();
  REQUIRE((w == 101 && h == 77));
  for (int orientation = 2; orientation <= 8; ++orientation) {
    INFO("orientation " << orientation);
    const auto shown = mgca::io::read_image(picture_sample("exif_orientation_" + std::to_string(orientation) + ".jpg"));
    REQUIRE(shown.size() == (orientation < 5 ? upright.size() : mgca::ImageSize{.height = w, .width = h}));
    for (int64_t y = 0; y < shown.height(); ++y) {
      for (int64_t x = 0; x < shown.width(); ++x) {
        // Where the TIFF specification puts stored row 0 and stored column 0.
        const bool swapped = orientation >= 5;
        auto sy = swapped ? x : y, sx = swapped ? y : x;
        if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) sy = h - 1 - sy;
        if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) sx = w - 1 - sx;
        REQUIRE(shown.at(y, x) == upright.at(sy, sx));
      }
    }
  }
}

TEST_CASE("image_file: an interlaced PNG of every kind shows the same picture as the plain one", "[io][golden][fast]") {
  int compared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(picture_sample("pngsuite"))) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with("basi")) continue;
    INFO(name);
    const auto interlaced = mgca::io::read_image(entry.path());
    const auto plain = mgca::io::read_image(picture_sample("pngsuite/basn" + name.substr(4)));
    REQUIRE(interlaced.size() == mgca::ImageSize{.height = 32, .width = 32, .channels = 1});
    CHECK(std::equal(plain.pixels().begin(), plain.pixels().end(), interlaced.pixels().begin()));
    const auto [low, high] = std::minmax_element(plain.pixels().begin(), plain.pixels().end());
    CHECK(*high - *low >= 64);
    ++compared;
  }
  CHECK(compared == 15);
}

TEST_CASE("image_file: every corrupt file of PngSuite is refused by name", "[io][fast]") {
  int refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(picture_sample("pngsuite"))) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with("x")) continue;
    INFO(name);
    mgca::test::expect_error([&] { (void)mgca::io::read_image(entry.path()); }, {name});
    ++refused;
  }
  CHECK(refused == 14);
}

TEST_CASE("image_file: colour files of every sampling become their luma", "[io][fast]") {
  const auto full = mgca::io::read_image(picture_sample("rgb_444.jpg"));
  for (const std::string name : {"rgb_420.jpg", "sample_411.jpg", "rgb_no_transform.jpg"}) {
    INFO(name);
    const auto image = mgca::io::read_image(picture_sample(name));
    REQUIRE(image.size() == full.size());
    double difference = 0;
    for (std::size_t i = 0; i < image.pixels().size(); ++i) difference += std::abs(image.pixels()[i] - full.pixels()[i]);
    CHECK(difference / static_cast<double>(image.pixels().size()) < 3);
  }
}

TEST_CASE("image_file: the backend has a name for the manifest", "[io][fast]") {
#ifdef MGCA_IMAGE_BACKEND_STB
  CHECK(mgca::io::kImageBackend == "stb_image");
#else
  CHECK(mgca::io::kImageBackend == "libpng and libjpeg");
#endif
}

#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/core/random.hpp>
#include <mgca/io/image_file.hpp>
#include <mgca/io/safetensors.hpp>

#include <cstring>
#include <sys/resource.h>

using mgca::GreyImage;
using mgca::test::picture_sample;

namespace {

bool refused(const std::vector<std::byte>& bytes) {
  try {
    (void)mgca::io::decode_image(bytes, "probe");
    return false;
  } catch (const mgca::Error& error) {
    return std::string(error.what()).starts_with("probe: ");
  }
}

int largest_difference(const GreyImage& a, const GreyImage& b) {
  REQUIRE(a.size() == b.size());
  int worst = 0;
  for (std::size_t i = 0; i < a.pixels().size(); ++i) worst = std::max(worst, std::abs(a.pixels()[i] - b.pixels()[i]));
  return worst;
}

}  // namespace

TEST_CASE("image_file: grey, colour and 16-bit PNG become the reference's grey pixels", "[io][golden][fast]") {
  const auto folder = mgca::test::golden_dir() / "images";
  const auto expected = mgca::io::Safetensors::read(folder / "expected.safetensors");
  for (const std::string name : {"file0_gray8.png", "file1_rgb8.png", "file2_gray16.png"}) {
    const auto image = mgca::io::read_image(folder / name);
    const auto& record = expected.at("decoded." + name);
    INFO(name);
    REQUIRE(image.height() == record.shape[0]);
    REQUIRE(image.width() == record.shape[1]);
    CHECK(std::memcmp(image.pixels().data(), record.bytes.data(), record.bytes.size()) == 0);
  }
}

TEST_CASE("image_file: the content decides the format, and every legal variant is read", "[io][fast]") {
  const auto grey = mgca::io::read_image(picture_sample("cxr_grey8.png"));
  CHECK(grey.width() == 101);
  CHECK(grey.height() == 77);
  CHECK(largest_difference(mgca::io::read_image(picture_sample("cxr_grey_alpha.png")), grey) == 0);
  CHECK(largest_difference(mgca::io::read_image(picture_sample("cxr_rgba.png")), grey) <= 1);
  CHECK(largest_difference(mgca::io::read_image(picture_sample("trailing_data.png")), grey) == 0);
  for (const std::string name : {"png_named.jpg", "jpeg_named.png", "cxr_palette.png", "cxr_1bit.png", "one_by_one.png", "many_text_chunks.png",
                                 "empty_idat_first.png", "grey_baseline.jpg", "grey_progressive.jpg", "rgb_420.jpg", "restart_every_row.jpg",
                                 "trailing_bytes.jpg"}) {
    INFO(name);
    CHECK_NOTHROW(mgca::io::read_image(picture_sample(name)));
  }
  CHECK(largest_difference(mgca::io::read_image(picture_sample("grey_baseline.jpg")), mgca::io::read_image(picture_sample("grey_progressive.jpg"))) == 0);
}

TEST_CASE("image_file: EXIF orientation is undone", "[io][fast]") {
  const auto third = mgca::io::read_image(picture_sample("exif_orientation_3.jpg"));
  const auto sixth = mgca::io::read_image(picture_sample("exif_orientation_6.jpg"));
  CHECK(third.width() == 101);
  REQUIRE(sixth.width() == 77);
  REQUIRE(sixth.height() == 101);
  // Orientation 3 is turned by 180 degrees, 6 by 90 clockwise: both show the same stored pixels.
  for (int64_t y = 0; y < 77; ++y) {
    for (int64_t x = 0; x < 101; ++x) REQUIRE(third.at(76 - y, 100 - x) == sixth.at(x, 76 - y));
  }
}

TEST_CASE("image_file: damaged, empty and foreign files are refused by name", "[io][fast]") {
  for (const std::string name : {"bomb_50000x50000.png", "zero_width.png", "huge_dimension.png", "short_rows.png", "empty.jpg", "soi_eoi.jpg"}) {
    INFO(name);
    mgca::test::expect_error([&] { (void)mgca::io::read_image(picture_sample(name)); }, {name});
  }
  mgca::test::expect_error([] { (void)mgca::io::read_image("/no/such/file.png"); }, {"/no/such/file.png", "No such file"});
  mgca::test::expect_error([] { (void)mgca::io::read_image(mgca::test::data_dir()); }, {"data"});
  mgca::test::expect_error([] { (void)mgca::io::read_image(picture_sample("SOURCE.md")); }, {"SOURCE.md", "neither PNG nor JPEG"});
}

TEST_CASE("image_file: a header that claims a huge picture costs nothing", "[io][fast]") {
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  for (int i = 0; i < 100; ++i) {
    CHECK_THROWS_AS(mgca::io::read_image(picture_sample("bomb_50000x50000.png")), mgca::Error);
    CHECK_THROWS_AS(mgca::io::read_image(picture_sample("huge_dimension.png")), mgca::Error);
  }
  ::getrusage(RUSAGE_SELF, &after);
  CHECK(after.ru_maxrss - before.ru_maxrss < 16 * 1024);  // KiB
}

TEST_CASE("image_file: no truncated file is accepted", "[io][fast]") {
  for (const std::string name : {"cxr_grey8.png", "grey_baseline.jpg", "grey_progressive.jpg", "rgb_420.jpg"}) {
    const auto good = mgca::read_file(picture_sample(name));
    REQUIRE_FALSE(refused(good));
    for (std::size_t length = 0; length < good.size(); length += 13) {
      INFO(name << " cut to " << length << " of " << good.size());
      REQUIRE(refused({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)}));
    }
  }
}

TEST_CASE("image_file: every flipped bit of a PNG is found, a JPEG never crashes", "[io][fast]") {
  auto png = mgca::read_file(picture_sample("cxr_grey8.png"));
  for (std::size_t bit = 0; bit < png.size() * 8; bit += 37) {
    png[bit / 8] ^= std::byte{1} << (bit % 8);
    INFO("bit " << bit);
    REQUIRE(refused(png));
    png[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  auto jpeg = mgca::read_file(picture_sample("rgb_420.jpg"));
  mgca::RandomStream random({.seed = 9}, mgca::Use::test);
  for (int i = 0; i < 300; ++i) {
    auto changed = jpeg;
    for (int k = 0; k < 3; ++k) changed[random.below(changed.size())] = static_cast<std::byte>(random.below(256));
    (void)refused(changed);
  }
}

TEST_CASE("image_file: what is written is read back", "[io][fast]") {
  GreyImage image({.height = 19, .width = 23});
  for (std::size_t i = 0; i < image.pixels().size(); ++i) image.pixels()[i] = static_cast<uint8_t>(i * 5);
  CHECK(largest_difference(mgca::io::decode_image(mgca::io::encode_png(image.plane()), "memory"), image) == 0);
  GreyImage smooth({.height = 32, .width = 32});
  for (int64_t y = 0; y < 32; ++y) {
    for (int64_t x = 0; x < 32; ++x) smooth.at(y, x) = static_cast<uint8_t>(4 * x + 3 * y);
  }
  CHECK(largest_difference(mgca::io::decode_image(mgca::io::encode_jpeg(smooth.plane(), 95), "memory"), smooth) <= 4);
  const mgca::Image<uint8_t> two({.height = 2, .width = 2, .channels = 2});
  mgca::test::expect_error([&] { (void)mgca::io::encode_png(two.plane()); }, {"2"});
}

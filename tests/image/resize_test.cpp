#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/image/geometry.hpp>
#include <mgca/image/intensity.hpp>
#include <mgca/image/resize.hpp>
#include <mgca/io/safetensors.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <fstream>

using mgca::GreyImage;

namespace {

template <class T>
mgca::Image<T> picture(const mgca::io::TensorRecord& record) {
  mgca::Image<T> image({.height = record.shape[0], .width = record.shape[1]});
  REQUIRE(record.bytes.size() == image.pixels().size_bytes());
  std::memcpy(image.pixels().data(), record.bytes.data(), record.bytes.size());
  return image;
}
template <class T>
std::vector<T> numbers(const mgca::io::TensorRecord& record) {
  std::vector<T> values(record.bytes.size() / sizeof(T));
  std::memcpy(values.data(), record.bytes.data(), record.bytes.size());
  return values;
}
int64_t different(const GreyImage& a, const GreyImage& b) {
  REQUIRE(a.size() == b.size());
  int64_t count = 0;
  for (std::size_t i = 0; i < a.pixels().size(); ++i) count += a.pixels()[i] != b.pixels()[i];
  return count;
}

}  // namespace

TEST_CASE("image: preparation equals the reference pixel by pixel", "[image][golden][fast]") {
  const auto folder = mgca::test::golden_dir() / "images";
  const auto batch = mgca::io::Safetensors::read(folder / "batch.safetensors");
  const auto expected = mgca::io::Safetensors::read(folder / "expected.safetensors");
  std::ifstream file(folder / "config.json");
  const auto config = nlohmann::json::parse(file);
  for (const auto& item : config["images"]) {
    const auto i = std::to_string(item["index"].get<int>());
    INFO("image " << i);
    GreyImage source;
    if (item["bits"] == 16) {
      source = mgca::image::scaled_to_bytes(picture<uint16_t>(batch.at("image." + i)).plane());
      CHECK(different(source, picture<uint8_t>(expected.at("scaled_abs." + i))) == 0);
    } else {
      source = picture<uint8_t>(batch.at("image." + i));
    }
    const auto stored = mgca::image::fit_to_square(source.plane(), 256);
    CHECK(different(stored, picture<uint8_t>(expected.at("resized." + i))) == 0);
    const auto corner = numbers<float>(expected.at("crop_norm_corner." + i));
    for (int64_t y = 0; y < 8; ++y) {
      for (int64_t x = 0; x < 8; ++x) {
        const auto value = mgca::image::normalised(stored.at(item["crop_y"].get<int64_t>() + y, item["crop_x"].get<int64_t>() + x));
        CHECK(value == corner[static_cast<std::size_t>(y * 8 + x)]);
      }
    }
    if (expected.find("detector_224." + i) != nullptr) {
      const auto squashed = mgca::image::resize(source.plane(), {.height = 224, .width = 224, .filter = mgca::image::Filter::bilinear});
      CHECK(different(squashed, picture<uint8_t>(expected.at("detector_224." + i))) == 0);
    }
  }
  const auto table = numbers<float>(expected.at("normalise_lut"));
  for (int v = 0; v < 256; ++v) CHECK(mgca::image::normalised(static_cast<uint8_t>(v)) == table[static_cast<std::size_t>(v)]);
}

TEST_CASE("image: fitted sizes and padding of 300 golden shapes", "[image][golden][fast]") {
  const auto expected = mgca::io::Safetensors::read(mgca::test::golden_dir() / "resize_dims" / "expected.safetensors");
  const auto rows = numbers<int64_t>(expected.at("rows"));
  for (std::size_t i = 0; i < rows.size(); i += 8) {
    const auto size = mgca::image::fitted_size({.height = rows[i], .width = rows[i + 1]}, 256);
    INFO(rows[i] << " x " << rows[i + 1]);
    REQUIRE(size.height == rows[i + 2]);
    REQUIRE(size.width == rows[i + 3]);
    REQUIRE((256 - size.height) / 2 == rows[i + 4]);
    REQUIRE((256 - size.width) / 2 == rows[i + 6]);
  }
}

TEST_CASE("image: the documented examples of area averaging and enlarging", "[image][fast]") {
  GreyImage ramp({.height = 3, .width = 5});
  for (std::size_t i = 0; i < 15; ++i) ramp.pixels()[i] = static_cast<uint8_t>(17 * i);
  const auto small = mgca::image::resize(ramp.plane(), {.height = 2, .width = 3});
  CHECK(std::vector<uint8_t>(small.pixels().begin(), small.pixels().end()) == std::vector<uint8_t>{35, 62, 90, 148, 176, 203});
  GreyImage four({.height = 2, .width = 2});
  four.at(0, 1) = 100, four.at(1, 0) = 200, four.at(1, 1) = 50;
  const auto large = mgca::image::resize(four.plane(), {.height = 3, .width = 3});
  CHECK(std::vector<uint8_t>(large.pixels().begin(), large.pixels().end()) == std::vector<uint8_t>{0, 50, 100, 100, 88, 75, 200, 125, 50});
}

TEST_CASE("image: a flat picture stays flat, whatever the size", "[image][fast]") {
  const GreyImage flat({.height = 37, .width = 61}, 173);
  for (const int64_t side : {1, 7, 36, 64, 100}) {
    const auto out = mgca::image::resize(flat.plane(), {.height = side, .width = side});
    CHECK(std::all_of(out.pixels().begin(), out.pixels().end(), [](uint8_t v) { return v == 173; }));
  }
}

TEST_CASE("resize: an enlarged picture stays within the brightness of its source", "[image][fast]") {
  GreyImage source({.height = 7, .width = 5});
  for (std::size_t i = 0; i < source.pixels().size(); ++i) source.pixels()[i] = static_cast<uint8_t>(60 + 37 * i % 100);
  const auto [low, high] = std::minmax_element(source.pixels().begin(), source.pixels().end());
  for (const auto filter : {mgca::image::Filter::area, mgca::image::Filter::bilinear}) {
    const auto out = mgca::image::resize(source.plane(), {.height = 40, .width = 33, .filter = filter});
    CHECK(std::all_of(out.pixels().begin(), out.pixels().end(), [&](uint8_t v) { return v + 1 >= *low && v <= *high; }));
  }
}

TEST_CASE("resize: sizes that make no sense are refused", "[image][fast]") {
  const GreyImage image({.height = 4, .width = 4});
  mgca::test::expect_error([&] { (void)mgca::image::resize(image.plane(), {.height = 0, .width = 3}); }, {"0 x 3"});
  const mgca::Image<uint8_t> colour({.height = 2, .width = 2, .channels = 3});
  mgca::test::expect_error([&] { (void)mgca::image::resize(colour.plane(), {.height = 1, .width = 1}); }, {"2 x 2 x 3"});
  mgca::test::expect_error([] { (void)mgca::image::fitted_size({.height = 0, .width = 3}, 256); }, {"positive"});
}

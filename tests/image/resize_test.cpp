#include "catch.hpp"
#include "expect_error.hpp"
#include "pictures.hpp"

#include <mgca/image/geometry.hpp>
#include <mgca/image/intensity.hpp>
#include <mgca/image/resize.hpp>

#include <algorithm>

using mgca::GreyImage;
using mgca::test::different;
using mgca::test::GoldenPictures;

TEST_CASE("image: preparation equals the reference pixel by pixel", "[image][golden][fast]") {
  const GoldenPictures golden("images");
  for (const auto& item : golden.config("images")) {
    const auto i = std::to_string(item["index"].get<int>());
    INFO("image " << i);
    GreyImage source;
    if (item["bits"] == 16) {
      source = mgca::image::scaled_to_bytes(golden.input<uint16_t>("image." + i).plane());
      CHECK(different(source, golden.output<uint8_t>("scaled_abs." + i)) == 0);
    } else {
      source = golden.input<uint8_t>("image." + i);
    }
    const auto stored = mgca::image::fit_to_square(source.plane(), 256);
    CHECK(different(stored, golden.output<uint8_t>("resized." + i)) == 0);
    const auto corner = golden.numbers<float>("crop_norm_corner." + i);
    for (int64_t y = 0; y < 8; ++y) {
      for (int64_t x = 0; x < 8; ++x) {
        const auto value = mgca::image::normalised(stored.at(item["crop_y"].get<int64_t>() + y, item["crop_x"].get<int64_t>() + x));
        CHECK(value == corner[static_cast<std::size_t>(y * 8 + x)]);
      }
    }
    if (golden.expects("detector_224." + i)) {
      const auto squashed = mgca::image::resize(source.plane(), {.height = 224, .width = 224, .filter = mgca::image::Filter::bilinear});
      CHECK(different(squashed, golden.output<uint8_t>("detector_224." + i)) == 0);
    }
  }
  const auto table = golden.numbers<float>("normalise_lut");
  for (int v = 0; v < 256; ++v) CHECK(mgca::image::normalised(static_cast<uint8_t>(v)) == table[static_cast<std::size_t>(v)]);
}

TEST_CASE("image: fitted sizes and padding of 300 golden shapes", "[image][golden][fast]") {
  const auto expected = mgca::io::Safetensors::read(mgca::test::golden_dir() / "resize_dims" / "expected.safetensors");
  std::vector<int64_t> rows(expected.at("rows").bytes.size() / sizeof(int64_t));
  std::memcpy(rows.data(), expected.at("rows").bytes.data(), expected.at("rows").bytes.size());
  for (std::size_t i = 0; i < rows.size(); i += 8) {
    const auto size = mgca::image::fitted_size({.height = rows[i], .width = rows[i + 1]}, 256);
    INFO(rows[i] << " x " << rows[i + 1]);
    REQUIRE(size.height == rows[i + 2]);
    REQUIRE(size.width == rows[i + 3]);
    REQUIRE((256 - size.height) / 2 == rows[i + 4]);
    REQUIRE((256 - size.width) / 2 == rows[i + 6]);
  }
}

TEST_CASE("resize: area averages by integer sums have the pixels of the reference's single precision", "[image][fast]") {
  mgca::RandomStream random({.seed = 7}, mgca::Use::test);
  int64_t wrong = 0, open = 0;
  for (int i = 0; i < 60; ++i) {
    const auto side = [&](uint64_t most) { return static_cast<int64_t>(1 + random.below(most)); };
    auto picture = mgca::test::noise({.height = side(150), .width = side(150)}, static_cast<uint64_t>(i));
    if (i % 3 == 0) {  // averages that end in exactly one half
      for (auto& pixel : picture.pixels()) pixel = static_cast<uint8_t>(pixel % 2);
    }
    const mgca::image::ResizeOptions to{.height = side(static_cast<uint64_t>(picture.height())),
                                        .width = side(static_cast<uint64_t>(picture.width()))};
    if (picture.height() % to.height == 0 && picture.width() % to.width == 0) continue;
    wrong += different(mgca::image::resize(picture.plane(), to),
                       mgca::image::detail::area_by_pixel(std::as_const(picture).plane(), {.height = to.height, .width = to.width}));
    open += to.height * to.width;
  }
  CHECK(wrong == 0);
  CHECK(open > 50000);
}

TEST_CASE("resize: sums that 16 bits do not hold are right, blocks and cells", "[image][fast]") {
  const GreyImage white({.height = 1031, .width = 2}, 255);
  for (const int64_t height : {1, 2, 3, 4, 7}) {
    for (const int64_t width : {1, 2}) {
      const auto out = mgca::image::resize(white.plane(), {.height = height, .width = width});
      CHECK(std::all_of(out.pixels().begin(), out.pixels().end(), [](uint8_t v) { return v == 255; }));
    }
  }
}

TEST_CASE("resize: a mask's edges become soft, its area stays", "[image][fast]") {
  mgca::Image<float> mask({.height = 50, .width = 70});
  for (int64_t y = 10; y < 31; ++y) {
    for (int64_t x = 20; x < 47; ++x) mask.at(y, x) = 1;
  }
  const auto small = mgca::image::resize_area(std::as_const(mask).plane(), {.height = 23, .width = 31});
  double sum = 0;
  int soft = 0;
  for (const auto v : small.pixels()) sum += static_cast<double>(v), soft += v > 0.001F && v < 0.999F;
  CHECK(sum * 50 / 23 * 70 / 31 == Approx(21 * 27).epsilon(1e-4));
  CHECK(soft > 10);
  mgca::test::expect_error([&] { (void)mgca::image::resize_area(std::as_const(mask).plane(), {.height = 51, .width = 31}); },
                           {"resize_area", "50 x 70", "51 x 31"});
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

#include "catch.hpp"
#include "paths.hpp"

#include <mgca/image/geometry.hpp>
#include <mgca/image/perceptual_hash.hpp>
#include <mgca/io/image_file.hpp>

using mgca::difference;
using mgca::image::perceptual_hash;

namespace {
mgca::GreyImage radiograph(const std::string& name) {
  return mgca::io::read_image(std::filesystem::path(MGCA_TESTS_DIR) / ".." / "examples" / "data" / "nih-mini" / "images" / name);
}
}  // namespace

TEST_CASE("perceptual_hash: a radiograph compressed again or reduced keeps its hash, another one does not", "[image][fast]") {
  const auto picture = radiograph("00000061_012.jpg"), other = radiograph("00000075_000.jpg");
  const auto hash = perceptual_hash(picture.plane());
  const auto again = mgca::io::decode_image(mgca::io::encode_jpeg(picture.plane(), 60), "again");
  CHECK(difference(hash, perceptual_hash(again.plane())) <= 8);
  CHECK(difference(hash, perceptual_hash(mgca::image::fit_to_square(picture.plane(), picture.height() / 2).plane())) <= 8);
  CHECK(difference(hash, perceptual_hash(other.plane())) > 30);
  CHECK(difference(hash, perceptual_hash(mgca::image::flip_horizontal(picture.plane()).plane())) > 30);
}

TEST_CASE("perceptual_hash: each bit is one step to the right", "[image][fast]") {
  mgca::GreyImage rising({.height = 16, .width = 17});
  for (int64_t y = 0; y < 16; ++y) {
    for (int64_t x = 0; x < 17; ++x) rising.at(y, x) = static_cast<uint8_t>(10 * x);
  }
  const auto all = perceptual_hash(rising.plane());
  CHECK(difference(all, mgca::PerceptualHash{}) == 256);
  rising.at(5, 4) = 0;  // the step into it falls
  CHECK(difference(all, perceptual_hash(rising.plane())) == 1);
  CHECK(perceptual_hash(mgca::GreyImage({.height = 40, .width = 30}, 7).plane()) == mgca::PerceptualHash{});
}

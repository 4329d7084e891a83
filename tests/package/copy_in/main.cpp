// Only headers, nothing linked: random numbers and images.
#define MGCA_IMAGE_BACKEND_STB
#include <mgca/core/random.hpp>
#include <mgca/io/image_file.hpp>

#include <algorithm>

int main() {
  mgca::GreyImage image({.height = 10, .width = 10});
  const auto order = mgca::permutation(100, {.seed = 1});
  for (std::size_t i = 0; i < order.size(); ++i) image.pixels()[i] = static_cast<std::uint8_t>(order[i]);
  const auto back = mgca::io::decode_image(mgca::io::encode_png(image.plane()), "memory");
  const bool same = std::equal(image.pixels().begin(), image.pixels().end(), back.pixels().begin());
  return same && mgca::io::kImageBackend == "stb_image" ? 0 : 1;
}

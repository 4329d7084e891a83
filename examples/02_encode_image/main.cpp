// A radiograph as features: one vector for the whole, one per patch, and where the network looks.
// usage: example_02_encode_image [examples/data]
#include <mgca/encoders/vit.hpp>
#include <mgca/feed/batch.hpp>
#include <mgca/image/geometry.hpp>
#include <mgca/io/image_file.hpp>
#include <mgca/tensor/bridge.hpp>

#include <filesystem>
#include <iostream>

int main(int argc, char** argv) {
  const std::filesystem::path data = argc > 1 ? argv[1] : "examples/data";
  const auto scan = mgca::io::read_image(data / "nih-mini" / "images" / "00000061_012.jpg");
  const auto square = mgca::image::fit_to_square(scan.plane(), 64);
  const auto images = mgca::network_input(mgca::tensor_of(square.plane()).unsqueeze(0), torch::kCPU);  // (1, 3, 64, 64) in [-1, 1]

  mgca::Vit encoder({.image_size = 64, .patch_size = 8, .width = 96, .depth = 4, .heads = 4});
  const torch::NoGradGuard no_grad;
  const auto features = encoder(images);
  std::cout << "whole image " << features.global.sizes() << ", patches " << features.local.sizes() << ", attention " << features.attention.sizes() << '\n';
  std::cout << "ok: " << features.local.size(1) << " patches of width " << encoder->local_width() << '\n';
}

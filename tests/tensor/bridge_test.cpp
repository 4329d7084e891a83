#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/tensor/bridge.hpp>

#include <array>

TEST_CASE("bridge: interleaved pixels become planes of channels", "[tensor][fast]") {
  mgca::Image<uint8_t> image({.height = 2, .width = 3, .channels = 2});
  uint8_t value = 0;
  for (auto& pixel : image.pixels()) pixel = value++;
  const auto tensor = mgca::tensor_of(image.plane());
  CHECK(tensor.sizes() == at::IntArrayRef({2, 2, 3}));
  CHECK(tensor[1][0][2].item<int>() == image.at(0, 2, 1));
  CHECK(tensor[0][1][0].item<int>() == image.at(1, 0, 0));
}

TEST_CASE("bridge: a plane looks into the tensor's own memory", "[tensor][fast]") {
  auto matrix = torch::arange(6, torch::kFloat32).view({2, 3});
  const auto plane = mgca::plane_of(matrix);
  CHECK(plane.at(1, 2) == 5);
  matrix[1][2] = 9;
  CHECK(plane.at(1, 2) == 9);
}

TEST_CASE("bridge: strides, types and counts that do not fit are refused", "[tensor][fast]") {
  const auto matrix = torch::zeros({2, 3});
  mgca::test::expect_error([&] { (void)mgca::span_of<float>(matrix.t()); }, {"contiguous"});
  mgca::test::expect_error([&] { (void)mgca::span_of<double>(matrix); }, {"Float"});
  constexpr std::array<float, 4> four{};
  mgca::test::expect_error([&] { (void)mgca::tensor_of<float>(four, {2, 3}); }, {"6 values", "got 4"});
}

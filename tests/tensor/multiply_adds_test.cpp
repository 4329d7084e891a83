#include "catch.hpp"

#include <mgca/tensor/multiply_adds.hpp>

using mgca::multiply_adds;

TEST_CASE("multiply_adds: products, convolutions and attention count by their shapes, nothing else does", "[tensor][fast]") {
  const torch::NoGradGuard no_grad;
  const auto x = torch::randn({4, 5, 6});
  CHECK(multiply_adds([&] { (void)x[0].mm(torch::randn({6, 7})); }) == 5 * 6 * 7);
  CHECK(multiply_adds([&] { (void)x.matmul(torch::randn({6, 7})); }) == 4 * 5 * 6 * 7);
  CHECK(multiply_adds([&] { (void)x.bmm(torch::randn({4, 6, 3})); }) == 4 * 5 * 6 * 3);
  CHECK(multiply_adds([&] { (void)at::linear(x, torch::randn({8, 6}), torch::randn({8})); }) == 4 * 5 * 6 * 8);
  CHECK(multiply_adds([&] { (void)x[0].mv(torch::randn({6})); }) == 5 * 6);
  const auto picture = torch::randn({2, 4, 8, 8});
  CHECK(multiply_adds([&] { (void)at::conv2d(picture, torch::randn({6, 4, 3, 3}), {}, 2, 1); }) == 2 * 6 * 4 * 4 * 4 * 9);
  CHECK(multiply_adds([&] { (void)at::conv2d(picture, torch::randn({8, 2, 3, 3}), {}, 1, 1, 1, /*groups=*/2); }) == 2 * 8 * 8 * 8 * 2 * 9);
  CHECK(multiply_adds([&] { (void)at::conv_transpose2d(picture, torch::randn({4, 3, 2, 2}), {}, 2); }) == 2 * 4 * 8 * 8 * 3 * 4);
  const auto q = torch::randn({2, 3, 5, 8}), k = torch::randn({2, 3, 7, 8});
  CHECK(multiply_adds([&] { (void)at::scaled_dot_product_attention(q, k, k); }) == 2 * (2 * 3 * 5 * 7 * 8));
  CHECK(multiply_adds([&] { (void)torch::softmax(torch::relu(x) + x, 1).sum(); }) == 0);
  (void)x[0].mm(torch::randn({6, 7}));
  CHECK(multiply_adds([] {}) == 0);  // what came before is not counted
}

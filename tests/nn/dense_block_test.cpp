#include "gradients.hpp"

#include <mgca/nn/dense_block.hpp>

TEST_CASE("dense_block: a block keeps its input in front and adds what each layer makes of all before it", "[nn][fast]") {
  mgca::DenseBlock block({.in = 6, .growth = 4, .layers = 2});
  block->eval();
  const torch::NoGradGuard no_grad;
  const auto x = torch::randn({2, 6, 5, 5});
  const auto y = block(x);
  CHECK(y.sizes() == at::IntArrayRef({2, 14, 5, 5}));
  CHECK(torch::equal(y.slice(1, 0, 6), x));
  CHECK(torch::equal(y.slice(1, 6, 10), block->layers[0](x)));
  CHECK(torch::equal(y.slice(1, 10, 14), block->layers[1](y.slice(1, 0, 10))));
}

TEST_CASE("dense_block: a transition halves channels and side", "[nn][fast]") {
  mgca::DenseTransition transition({.in = 8});
  const auto y = transition(torch::randn({2, 8, 6, 6}));
  CHECK(y.sizes() == at::IntArrayRef({2, 4, 3, 3}));
  mgca::test::expect_gradients(*transition, mgca::test::projected(y));
}

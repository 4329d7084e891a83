#include "distribution.hpp"
#include "expect_error.hpp"
#include "gradients.hpp"

#include <mgca/nn/linear_projection.hpp>

TEST_CASE("linear_projection: rows times the transposed weight, with and without bias; rows outside are 0", "[nn][fast]") {
  torch::manual_seed(1);
  mgca::LinearProjection biased({.in = 6, .out = 3});
  mgca::UnbiasedProjection plain({.in = 6, .out = 3});
  const auto x = torch::randn({2, 4, 6});
  CHECK(torch::allclose(biased(x)[1][2], biased->weight.mv(x[1][2]) + biased->bias, 1e-5, 1e-6));
  CHECK(torch::allclose(plain(x)[1][2], plain->weight.mv(x[1][2]), 1e-5, 1e-6));
  CHECK(plain->named_parameters().size() == 1);
  const auto valid = torch::tensor({{1, 0, 0, 0}, {1, 1, 1, 1}}, torch::kBool);
  const auto masked = biased(x, valid);
  CHECK(torch::equal(masked[1], biased(x)[1]));
  CHECK(masked[0].slice(0, 1).eq(0).all().item<bool>());
  mgca::test::expect_gradients(*biased, mgca::test::projected(biased(x)));
}

TEST_CASE("linear_projection: starts as torch's layer does, and refuses features of another width", "[nn][fast]") {
  torch::manual_seed(2);
  mgca::UnbiasedProjection head({.in = 64, .out = 100});
  mgca::test::expect_uniform(head->weight, 1 / std::sqrt(64.0));
  mgca::test::expect_error([&] { (void)head(torch::zeros({2, 63})); }, {"(..., 64)", "[2, 63]"});
}

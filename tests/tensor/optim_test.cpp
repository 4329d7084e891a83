#include "catch.hpp"

#include <mgca/tensor/optim.hpp>

#include <cmath>
#include <vector>

using mgca::Tensor;

TEST_CASE("optim: the fused kernel takes the textbook step of AdamW", "[tensor][fast]") {
  std::vector<Tensor> parameter{torch::tensor({1.0, -2.0}, torch::kFloat64)}, gradient{torch::tensor({0.5, 3.0}, torch::kFloat64)};
  std::vector<Tensor> mean{torch::zeros({2}, torch::kFloat64)}, square{torch::zeros({2}, torch::kFloat64)}, largest, step{torch::ones({})};
  const double rate = 0.1, beta1 = 0.9, beta2 = 0.999, decay = 0.05, epsilon = 1e-8;
  at::_fused_adamw_(parameter, gradient, mean, square, largest, step, rate, beta1, beta2, decay, epsilon, /*amsgrad=*/false, /*maximize=*/false);
  // Bias correction makes the first mean the gradient and the first square its square.
  CHECK(parameter[0][0].item<double>() == Approx(1.0 * (1 - rate * decay) - rate * 0.5 / (0.5 + epsilon)));
  CHECK(parameter[0][1].item<double>() == Approx(-2.0 * (1 - rate * decay) - rate * 3.0 / (3.0 + epsilon)));
  CHECK(mean[0][0].item<double>() == Approx((1 - beta1) * 0.5));
  CHECK(square[0][1].item<double>() == Approx((1 - beta2) * 9.0));
}

TEST_CASE("optim: lists are added, scaled and measured tensor by tensor", "[tensor][fast]") {
  std::vector<Tensor> list{torch::tensor({3.0, 4.0}), torch::tensor({6.0})};
  const auto lengths = at::_foreach_norm(list);
  CHECK(lengths[0].item<float>() == 5);
  CHECK(lengths[1].item<float>() == 6);
  at::_foreach_mul_(list, 2.0);
  at::_foreach_add_(list, 1.0);
  at::_foreach_sub_(list, 0.5);
  CHECK(torch::equal(list[0], torch::tensor({6.5F, 8.5F})));
}

TEST_CASE("optim: one number that is not finite is found among many, and the rest is unscaled", "[tensor][fast]") {
  auto found = torch::zeros({1});
  const auto scale = torch::full({1}, 0.5);
  std::vector<Tensor> list{torch::tensor({2.0, 4.0}), torch::tensor({6.0})};
  at::_amp_foreach_non_finite_check_and_unscale_(list, found, scale);
  CHECK(found.item<float>() == 0);
  CHECK(torch::equal(list[0], torch::tensor({1.0F, 2.0F})));
  list.push_back(torch::tensor({std::nanf("")}));
  at::_amp_foreach_non_finite_check_and_unscale_(list, found, scale);
  CHECK(found.item<float>() == 1);
}

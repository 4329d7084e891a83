#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/tensor/gradient_hook.hpp>

#include <vector>

TEST_CASE("gradient hook: is called once per backward pass, with the whole gradient, and may replace it", "[tensor][fast]") {
  auto x = torch::ones({3}, torch::requires_grad()), unused = torch::ones({3}, torch::requires_grad());
  std::vector<double> seen;
  const auto elsewhere = torch::zeros({3});
  {
    const mgca::GradientHook hook(x, [&](torch::Tensor& parameter) {
      seen.push_back(parameter.grad().sum().item<double>());
      elsewhere.copy_(parameter.grad());
      parameter.mutable_grad() = elsewhere;
    });
    const mgca::GradientHook other(unused, [&](torch::Tensor&) { seen.push_back(-1); });
    (x * 2 + x * 3).sum().backward();  // used twice, called once
    CHECK(x.grad().is_same(elsewhere));
    x.sum().backward();                // adds to what is there
    CHECK(seen == std::vector<double>{15, 18});
    mgca::test::expect_error([&] { mgca::GradientHook(x, [](torch::Tensor&) {}); }, {"has one already"});
  }
  x.sum().backward();
  CHECK(seen.size() == 2);
}

TEST_CASE("gradient hook: what it throws reaches the caller of backward, and only leaves have one", "[tensor][fast]") {
  const auto x = torch::ones({3}, torch::requires_grad());
  const mgca::GradientHook hook(x, [](torch::Tensor&) { mgca::fail(mgca::ErrorKind::system, "rank 1 lost"); });
  mgca::test::expect_error([&] { x.sum().backward(); }, {"rank 1 lost"});
  mgca::test::expect_error([&] { mgca::GradientHook(x * 2, [](torch::Tensor&) {}); }, {"parameter"});
  mgca::test::expect_error([&] { mgca::GradientHook(torch::ones({3}), [](torch::Tensor&) {}); }, {"parameter"});
}

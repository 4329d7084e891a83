#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/align/terms.hpp>

TEST_CASE("total: the weighted sum of the terms", "[align][fast]") {
  const mgca::AlignmentOutput output{
      .terms = {{"a", torch::tensor(2.0), 0.5}, {"b", torch::tensor(3.0)}, {"c", torch::tensor(-1.0), 2.0}},
      .metrics = {}};
  CHECK(output.total().item<double>() == Approx(2.0));
}

TEST_CASE("total: gradients arrive with their weights", "[align][fast]") {
  auto a = torch::tensor(2.0, torch::requires_grad());
  auto b = torch::tensor(3.0, torch::requires_grad());
  mgca::align::total({{"a", a, 0.25}, {"b", b, 4.0}}).backward();
  CHECK(a.grad().item<double>() == Approx(0.25));
  CHECK(b.grad().item<double>() == Approx(4.0));
}

TEST_CASE("total: a loss without terms is an error", "[align][fast]") {
  mgca::test::expect_error([] { (void)mgca::align::total({}); }, {"no terms"});
}

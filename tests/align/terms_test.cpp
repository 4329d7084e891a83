#include "expect_error.hpp"

#include <mgca/align/terms.hpp>

using mgca::LossTerm;

TEST_CASE("terms: the total is the weighted sum, and each value receives its weight as gradient", "[align][fast]") {
  const auto a = torch::full({}, 3.0, torch::requires_grad()), b = torch::full({}, 5.0, torch::requires_grad());
  const auto sum = mgca::total({{"a", a, 2.0}, {"b", b, 0.5}});
  CHECK(sum.sizes().empty());
  CHECK(sum.item<double>() == 8.5);
  sum.backward();
  CHECK(a.grad().item<double>() == 2.0);
  CHECK(b.grad().item<double>() == 0.5);
}

TEST_CASE("terms: a weight is 1 unless told", "[align][fast]") {
  CHECK(mgca::total({{.name = "a", .value = torch::full({}, 3.0)}}).item<double>() == 3.0);
}

TEST_CASE("terms: nothing to sum is an error", "[align][fast]") {
  mgca::test::expect_error([] { (void)mgca::total({}); }, {"no loss term", "weight above 0"});
}

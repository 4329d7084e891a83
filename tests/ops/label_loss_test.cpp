#include "expect_error.hpp"
#include "gradients.hpp"

#include <mgca/ops/label_loss.hpp>

#include <cmath>

TEST_CASE("label_loss: the mean over what is known, by hand; 0 where nothing is; the derivative is right", "[ops][fast]") {
  const double unknown = std::nan("");
  const auto labels = torch::tensor({{1.0, unknown}, {0.0, 1.0}}, torch::kFloat64);
  const auto logits = torch::tensor({{2.0, 9.0}, {1.0, -1.0}}, torch::kFloat64);
  CHECK(mgca::ops::label_loss(logits, labels).item<double>() == Approx((std::log1p(std::exp(-2.0)) + 2 * std::log1p(std::exp(1.0))) / 3));
  CHECK(mgca::ops::label_loss(logits, torch::full_like(labels, unknown)).item<double>() == 0);
  CHECK(mgca::test::gradient_is_right([&](const mgca::Tensor& x) { return mgca::ops::label_loss(x, labels); }, logits));
  CHECK(mgca::ops::label_loss(logits.to(torch::kBFloat16), labels.to(torch::kFloat32)).scalar_type() == torch::kFloat32);
  mgca::test::expect_error([&] { (void)mgca::ops::label_loss(logits, labels[0]); }, {"[2, 2]", "[2]"});
}

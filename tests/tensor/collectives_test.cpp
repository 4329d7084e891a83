#include "catch.hpp"
#include "ranks.hpp"

#include <mgca/tensor/collectives.hpp>

#include <mutex>

namespace {

// A loss that mixes all rows, and numbers that all ranks add to.
torch::Tensor loss_over_ranks(const torch::Tensor& rows, const torch::Tensor& number) {
  return rows.mm(rows.t()).logsumexp(1).sum() * number.square();
}

}  // namespace

TEST_CASE("collectives: the mean of ranks' gradients is that of one process with all rows", "[tensor][fast]") {
  const auto x = torch::randn({6, 3}, torch::kFloat64);
  const auto at = torch::randn({3, 4}, torch::kFloat64);
  auto whole = at.clone().requires_grad_();
  loss_over_ranks(x.mm(whole), x.mm(whole).abs().sum()).backward();
  std::mutex mutex;
  auto mean = torch::zeros_like(at);
  mgca::test::on_ranks(3, [&](mgca::ProcessGroup& group) {
    auto weight = at.clone().requires_grad_();
    const auto mine = x.narrow(0, 2 * group.rank(), 2).mm(weight);
    loss_over_ranks(mgca::gathered(mine, &group), mgca::summed(mine.abs().sum().view({1}), &group)).sum().backward();
    const std::lock_guard lock(mutex);
    mean += weight.grad() / 3;
  });
  CHECK(torch::allclose(mean, whole.grad(), 1e-12, 1e-12));
}

TEST_CASE("collectives: without a group, or alone in it, nothing is done", "[tensor][fast]") {
  const auto x = torch::randn({2, 3});
  CHECK(mgca::gathered(x, nullptr).is_same(x));
  CHECK(mgca::summed(x, nullptr).is_same(x));
  mgca::test::on_ranks(1, [&](mgca::ProcessGroup& group) {
    if (!mgca::gathered(x, &group).is_same(x) || !mgca::summed(x, &group).is_same(x)) throw std::runtime_error("alone");
  });
}

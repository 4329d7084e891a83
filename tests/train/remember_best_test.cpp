#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/tensor/nn.hpp>
#include <mgca/train/hooks/remember_best.hpp>

#include <limits>

namespace {

// Weights filled with the epoch's number, which then scored this.
void score_epoch(mgca::RememberBest& hook, torch::nn::Linear& net, int64_t number, double score) {
  {
    const torch::NoGradGuard no_grad;
    net->weight.fill_(static_cast<double>(number));
  }
  mgca::Values values{{"score", score}};
  hook.after_epoch({.epoch = number}, values);
}

}  // namespace

TEST_CASE("remember_best: the best epoch's weights come back in either direction; equal is not better, NaN never", "[train][fast]") {
  for (const auto better : {mgca::Better::smaller, mgca::Better::larger}) {
    const double sign = better == mgca::Better::smaller ? 1 : -1;
    torch::nn::Linear net(2, 1);
    mgca::RememberBest hook(*net, "score", better);
    const double scores[] = {std::numeric_limits<double>::quiet_NaN(), sign * 3, sign * 1, sign * 1, sign * 2};
    for (int64_t i = 0; i < 5; ++i) score_epoch(hook, net, i, scores[i]);
    hook.after_fit({});
    CHECK(hook.epoch() == 2);
    CHECK(hook.best().value() == sign);
    CHECK(torch::equal(net->weight, torch::full({1, 2}, 2.0)));
  }
}

TEST_CASE("remember_best: what it remembers of another process's run comes back, and what is frozen is not copied", "[train][fast]") {
  torch::nn::Linear net(2, 1), other(2, 1);
  net->bias.requires_grad_(false);
  mgca::RememberBest hook(*net, "score"), resumed(*other, "score");
  score_epoch(hook, net, 3, 1);
  REQUIRE(hook.state().size() == 1);
  CHECK(hook.state()[0].name == "weight");
  const auto bias = other->bias.detach().clone();
  resumed.load_state(hook.state());
  resumed.after_fit({});
  CHECK(torch::equal(other->weight, torch::full({1, 2}, 3.0)));
  CHECK(torch::equal(other->bias, bias));
}

TEST_CASE("remember_best: without a finite value the last weights stay", "[train][fast]") {
  torch::nn::Linear net(2, 1);
  mgca::RememberBest hook(*net, "score");
  score_epoch(hook, net, 7, std::numeric_limits<double>::infinity());
  hook.after_fit({});
  CHECK_FALSE(hook.best().has_value());
  CHECK(torch::equal(net->weight, torch::full({1, 2}, 7.0)));
  mgca::Values other{{"loss", 1.0}};
  mgca::test::expect_error([&] { hook.after_epoch({}, other); }, {"'score'", "loss"});
}

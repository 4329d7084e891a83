#include "catch.hpp"
#include "expect_error.hpp"
#include "gpu.hpp"

#include <mgca/train/meter.hpp>
#include <mgca/train/optimizer.hpp>

namespace {

struct PairImpl : torch::nn::Module {
  PairImpl() : used(register_module("used", torch::nn::Linear(3, 2))), idle(register_module("idle", torch::nn::Linear(3, 2))) {}
  torch::nn::Linear used, idle;
};

mgca::Tensor loss_of(PairImpl& model) { return model.used(torch::ones({4, 3})).square().sum(); }

}  // namespace

TEST_CASE("optimizer: a parameter without gradient stays untouched, without decay or state", "[train][fast]") {
  PairImpl model;
  const auto before = model.idle->weight.detach().clone();
  mgca::AdamW optimizer(model, {.weight_decay = 0.5});
  loss_of(model).backward();
  optimizer.step(0.1);
  CHECK(torch::equal(model.idle->weight, before));
  for (const auto& [name, value] : optimizer.state()) CHECK(name.find("idle") == std::string::npos);
}

TEST_CASE("optimizer: a gradient that is not finite changes nothing and is counted", "[train][fast]") {
  PairImpl model;
  mgca::AdamW optimizer(model, {});
  loss_of(model).backward();
  optimizer.step(0.01);
  const auto before = model.used->weight.detach().clone();
  for (int i = 1; i <= 2; ++i) {
    optimizer.zero_grad();
    (loss_of(model) * std::numeric_limits<double>::infinity()).backward();
    optimizer.step(0.01);
    CHECK(torch::equal(model.used->weight, before));
    CHECK(mgca::host_values(optimizer.skipped()) == std::vector<double>{double(i), double(i), double(1 + i)});
    CHECK(optimizer.skipped_now().item<bool>());
  }
  optimizer.zero_grad();
  loss_of(model).backward();
  optimizer.step(0.01);
  CHECK_FALSE(torch::equal(model.used->weight, before));
  CHECK(mgca::host_values(optimizer.skipped()) == std::vector<double>{2, 0, 3});
  CHECK_FALSE(optimizer.skipped_now().item<bool>());
}

namespace {

// One step with a finite or an infinite gradient; the parameters after it.
mgca::Tensor scaled_step(mgca::AdamW& optimizer, PairImpl& model, bool finite) {
  optimizer.zero_grad();
  optimizer.scaled(loss_of(model) * (finite ? 1.0 : std::numeric_limits<double>::infinity())).backward();
  optimizer.step(0.01);
  return model.used->weight.detach().clone();
}
double value_of(const mgca::AdamW& optimizer, const std::string& name) {
  for (const auto& [key, value] : optimizer.state()) {
    if (key == name) return value.item<double>();
  }
  return -1;
}

}  // namespace

TEST_CASE("optimizer: the loss scale of f16 halves at an overflow, skips the step, and doubles after 2,000 good ones", "[train][fast]") {
  PairImpl model;
  mgca::AdamW optimizer(model, {}, mgca::Precision::f16);
  CHECK(value_of(optimizer, "scale") == 65536);
  const auto before = model.used->weight.detach().clone();
  CHECK(torch::equal(scaled_step(optimizer, model, false), before));
  CHECK(value_of(optimizer, "scale") == 32768);
  CHECK_FALSE(torch::equal(scaled_step(optimizer, model, true), before));
  CHECK(value_of(optimizer, "scale") == 32768);
  CHECK(value_of(optimizer, "growth") == 1);
  for (int i = 0; i < 1999; ++i) (void)scaled_step(optimizer, model, true);
  CHECK(value_of(optimizer, "scale") == 65536);
  CHECK(value_of(optimizer, "growth") == 0);
}

TEST_CASE("optimizer: a scaled loss gives the update of the loss itself", "[train][fast]") {
  PairImpl scaled, plain;
  {
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < plain.parameters().size(); ++i) plain.parameters()[i].copy_(scaled.parameters()[i]);
  }
  mgca::AdamW f16(scaled, {.clip_norm = 0.5}, mgca::Precision::f16), f32(plain, {.clip_norm = 0.5});
  for (int i = 0; i < 5; ++i) CHECK(torch::equal(scaled_step(f16, scaled, true), scaled_step(f32, plain, true)));
}

TEST_CASE("optimizer: a loss scale is saved and taken up again", "[train][fast]") {
  PairImpl model;
  mgca::AdamW optimizer(model, {}, mgca::Precision::f16), other(model, {}, mgca::Precision::f16);
  (void)scaled_step(optimizer, model, false);
  (void)scaled_step(optimizer, model, true);
  other.load_state(optimizer.state());
  CHECK(value_of(other, "scale") == 32768);
  CHECK(value_of(other, "growth") == 1);
  CHECK(mgca::host_values(other.skipped()) == std::vector<double>{1, 0, 1});
}

TEST_CASE("optimizer: overflows a smaller loss scale may cure do not count towards giving up", "[train][fast]") {
  PairImpl model;
  mgca::AdamW optimizer(model, {}, mgca::Precision::f16);
  for (int i = 1; i <= 16; ++i) {  // 2^16 down to 1
    (void)scaled_step(optimizer, model, false);
    CHECK(mgca::host_values(optimizer.skipped()) == std::vector<double>{double(i), 0, double(i)});
  }
  for (int i = 1; i <= 3; ++i) {
    (void)scaled_step(optimizer, model, false);
    CHECK(mgca::host_values(optimizer.skipped())[1] == i);
  }
}

TEST_CASE("optimizer: without any gradient a step changes nothing and is not skipped", "[train][fast]") {
  PairImpl model;
  mgca::AdamW optimizer(model, {});
  optimizer.step(0.1);
  CHECK(mgca::host_values(optimizer.skipped()) == std::vector<double>{0, 0, 0});
  CHECK(value_of(optimizer, "step.used.weight") == -1);
}

TEST_CASE("optimizer: the gradient is no longer than its limit", "[train][fast]") {
  PairImpl limited, free;
  {
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < free.parameters().size(); ++i) free.parameters()[i].copy_(limited.parameters()[i]);
  }
  mgca::AdamW optimizer(limited, {.clip_norm = 0.01});
  loss_of(limited).backward();
  optimizer.step(0.01);
  const auto length = torch::stack({limited.used->weight.grad().norm(), limited.used->bias.grad().norm()}).norm().item<double>();
  CHECK(length == Approx(0.01).epsilon(1e-3));
}

TEST_CASE("optimizer: state survives the round trip and refuses another model's", "[train][fast]") {
  PairImpl model;
  mgca::AdamW optimizer(model, {}), other(model, {});
  loss_of(model).backward();
  optimizer.step(0.01);
  other.load_state(optimizer.state());
  const auto a = optimizer.state(), b = other.state();
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) CHECK((a[i].name == b[i].name && torch::equal(a[i].value, b[i].value)));
  auto wrong = a;
  wrong.push_back({"step.nowhere", torch::zeros({})});
  mgca::test::expect_error([&] { other.load_state(wrong); }, {"step.nowhere"});
}

TEST_CASE("optimizer: on a GPU the loss scale halves at an overflow and the step is skipped there", "[train][gpu]") {
  if (!mgca::test::cuda_found()) return;
  PairImpl model;
  model.to(torch::Device(torch::kCUDA, 0));
  mgca::AdamW optimizer(model, {}, mgca::Precision::f16);
  const auto step = [&](double factor) {
    optimizer.zero_grad();
    optimizer.scaled(model.used(torch::ones({4, 3}, torch::kCUDA)).square().sum() * factor).backward();
    optimizer.step(0.01);
    return model.used->weight.detach().clone();
  };
  const auto first = step(1);
  CHECK(torch::equal(step(std::numeric_limits<double>::infinity()), first));
  CHECK(value_of(optimizer, "scale") == 32768);
  CHECK_FALSE(torch::equal(step(1), first));
  CHECK(mgca::host_values(optimizer.skipped()) == std::vector<double>{1, 0, 2});
  mgca::AdamW other(model, {}, mgca::Precision::f16);
  other.load_state(optimizer.state());
  CHECK(value_of(other, "scale") == 32768);
}

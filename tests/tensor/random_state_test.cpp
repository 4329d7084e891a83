#include "expect_error.hpp"

#include <mgca/tensor/random_state.hpp>

TEST_CASE("random_state: restoring repeats the draws that followed", "[tensor][fast]") {
  torch::manual_seed(1);
  (void)torch::randn({7});
  const auto state = mgca::random_state();
  const auto first = torch::rand({100});
  (void)torch::dropout(torch::ones({100}), 0.5, true);
  CHECK_FALSE(torch::equal(torch::rand({100}), first));
  mgca::set_random_state(state);
  CHECK(torch::equal(torch::rand({100}), first));
}

TEST_CASE("random_state: the host's generator comes first, as bytes a file can hold", "[tensor][fast]") {
  const auto state = mgca::random_state();
  CHECK(state.front().name == "cpu");
  CHECK(state.front().value.scalar_type() == torch::kByte);
  CHECK(state.front().value.is_cpu());
}

TEST_CASE("random_state: a generator this machine does not have is refused by name, and nothing is restored", "[tensor][fast]") {
  const auto old = mgca::random_state();
  (void)torch::rand({1});
  const auto now = mgca::random_state();
  for (const std::string name : {"cuda99", "cuda", "cudax", "tpu0"}) {
    auto state = old;
    state.push_back({name, old.front().value});
    mgca::test::expect_error([&] { mgca::set_random_state(state); }, {name, "this machine does not have"});
    CHECK(torch::equal(mgca::random_state().front().value, now.front().value));
  }
}

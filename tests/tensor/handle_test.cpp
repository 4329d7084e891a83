#include "catch.hpp"

#include <mgca/tensor/handle.hpp>

#include <type_traits>

namespace {

struct ScaleConfig {
  double factor = 2;
};

struct ScaleImpl : torch::nn::Module {
  using Config = ScaleConfig;
  explicit ScaleImpl(const Config& config) : weight(register_parameter("weight", torch::full({1}, config.factor))) {}
  mgca::Tensor forward(const mgca::Tensor& x) { return x * weight; }
  mgca::Tensor weight;
};
using Scale = mgca::Handle<ScaleImpl>;

static_assert(!std::is_default_constructible_v<Scale>, "a forgotten initialiser must not compile");

}  // namespace

TEST_CASE("handle: braces build a module from its config", "[tensor][fast]") {
  Scale by_default({});
  Scale by_name({.factor = 3});
  CHECK(by_default(torch::ones({1})).item<float>() == 2);
  CHECK(by_name(torch::ones({1})).item<float>() == 3);
}

TEST_CASE("handle: nothing is built until asked for, and copies share", "[tensor][fast]") {
  Scale later = nullptr;
  CHECK(later.is_empty());
  later = Scale({.factor = 4});
  const Scale same = later;
  torch::NoGradGuard no_grad;
  later->weight.fill_(5);
  CHECK(same->weight.item<float>() == 5);
}

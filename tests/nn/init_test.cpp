#include "distribution.hpp"

#include <mgca/nn/init.hpp>

namespace {

struct PartsImpl : torch::nn::Module {
  struct Config {};
  explicit PartsImpl(const Config&)
      : linear(register_module("linear", torch::nn::Linear(200, 100))), table(register_module("table", torch::nn::Embedding(300, 50))),
        norm(register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({50})))),
        conv(register_module("conv", torch::nn::Conv2d(torch::nn::Conv2dOptions(8, 64, 3)))) {}
  torch::nn::Linear linear;
  torch::nn::Embedding table;
  torch::nn::LayerNorm norm;
  torch::nn::Conv2d conv;
};
using Parts = mgca::Handle<PartsImpl>;

}  // namespace

TEST_CASE("init: transformer weights are normal, biases 0, norms and convolutions as torch makes them", "[nn][fast]") {
  torch::manual_seed(1);
  Parts parts({});
  const auto conv = parts->conv->weight.clone();
  mgca::nn::normal_weights(*parts);
  mgca::test::expect_normal(parts->linear->weight, 0.02);
  mgca::test::expect_normal(parts->table->weight, 0.02);
  CHECK(parts->linear->bias.eq(0).all().item<bool>());
  CHECK(parts->norm->weight.eq(1).all().item<bool>());
  CHECK(parts->norm->bias.eq(0).all().item<bool>());
  CHECK(torch::equal(parts->conv->weight, conv));
}

TEST_CASE("init: the deviation is the one asked for", "[nn][fast]") {
  torch::manual_seed(2);
  Parts parts({});
  mgca::nn::normal_weights(*parts, 0.5);
  mgca::test::expect_normal(parts->linear->weight, 0.5);
}

TEST_CASE("init: convolutions keep the variance of what flows back, or forward; everything else stays", "[nn][fast]") {
  torch::manual_seed(3);
  Parts parts({});
  const auto linear = parts->linear->weight.clone();
  mgca::nn::kaiming_convolutions(*parts);
  mgca::test::expect_normal(parts->conv->weight, std::sqrt(2.0 / (64 * 3 * 3)));
  CHECK(parts->conv->bias.eq(0).all().item<bool>());
  CHECK(torch::equal(parts->linear->weight, linear));
  mgca::nn::kaiming_convolutions(*parts, mgca::nn::Fan::in);
  mgca::test::expect_normal(parts->conv->weight, std::sqrt(2.0 / (8 * 3 * 3)));
}

TEST_CASE("init: equal seeds give equal weights", "[nn][fast]") {
  const auto draw = [](uint64_t seed) {
    torch::manual_seed(seed);
    Parts parts({});
    mgca::nn::normal_weights(*parts);
    return parts->linear->weight;
  };
  CHECK(torch::equal(draw(4), draw(4)));
  CHECK_FALSE(torch::equal(draw(4), draw(5)));
}

#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/align/learned_attention.hpp>
#include <mgca/tensor/state_dict.hpp>

TEST_CASE("learned_attention: keys and shapes are those of the published layout", "[align][fast]") {
  const mgca::LearnedAttention attention({.width = 8, .heads = 2});
  const auto dict = mgca::state_dict(*attention);
  REQUIRE(dict.size() == 4);
  CHECK(dict[0].name == "in_proj_weight");
  CHECK(dict[0].value.sizes() == at::IntArrayRef({24, 8}));
  CHECK(dict[1].name == "in_proj_bias");
  CHECK(dict[2].name == "out_proj.weight");
  CHECK(dict[3].name == "out_proj.bias");
  CHECK(dict[1].value.abs().sum().item<float>() == 0);
  CHECK(dict[3].value.abs().sum().item<float>() == 0);
}

TEST_CASE("learned_attention: identity weights and one head are plain scaled attention", "[align][fast]") {
  torch::manual_seed(1);
  mgca::LearnedAttention attention({.width = 4, .heads = 1});
  {
    const torch::NoGradGuard no_grad;
    attention->in_proj_weight.copy_(torch::eye(4).repeat({3, 1}));
    attention->out_proj->weight.copy_(torch::eye(4));
  }
  const auto queries = torch::randn({2, 3, 4});
  const auto keys = torch::randn({2, 5, 4});
  const auto expected = (queries.bmm(keys.transpose(1, 2)) / 2.0).softmax(-1).bmm(keys);
  CHECK(torch::allclose(attention(queries, keys), expected, 1e-5, 1e-5));
}

TEST_CASE("learned_attention: absent keys change nothing and a sample without keys is finite", "[align][fast]") {
  torch::manual_seed(2);
  mgca::LearnedAttention attention({.width = 4, .heads = 2});
  const auto queries = torch::randn({2, 3, 4});
  auto keys = torch::randn({2, 5, 4}, torch::requires_grad());
  const auto valid = torch::tensor({{1, 1, 1, 0, 0}, {0, 0, 0, 0, 0}}).to(torch::kBool);
  const auto out = attention(queries, keys, valid);
  CHECK(torch::allclose(out[0], attention(queries, keys.slice(1, 0, 3))[0], 1e-5, 1e-5));
  out.sum().backward();
  CHECK(out.isfinite().all().item<bool>());
  CHECK(keys.grad().isfinite().all().item<bool>());
  for (const auto& item : attention->named_parameters()) {
    INFO(item.key());
    CHECK(item.value().grad().isfinite().all().item<bool>());
    CHECK(item.value().grad().abs().sum().item<float>() > 0);
  }
}

TEST_CASE("learned_attention: heads that do not divide the width are refused", "[align][fast]") {
  mgca::test::expect_error([] { mgca::LearnedAttention({.width = 10, .heads = 3}); }, {"width 10", "heads 3"});
}

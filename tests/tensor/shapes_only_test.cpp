#include "catch.hpp"

#include <mgca/tensor/nn.hpp>
#include <mgca/tensor/shapes_only.hpp>

#include <functional>
#include <thread>

using mgca::ShapesOnly;
using mgca::Tensor;

TEST_CASE("shapes_only: whatever is made in the scope has a shape and no storage, and nothing outside it or in another thread", "[tensor][fast]") {
  bool elsewhere = true;
  {
    const ShapesOnly scope;
    std::thread([&] { elsewhere = torch::empty({2}).is_meta(); }).join();
    const torch::nn::Conv2d conv(3, 4, 5);
    const torch::nn::LayerNorm norm(torch::nn::LayerNormOptions({7}));
    for (const auto& made : {torch::randn({3, 4}), torch::empty({2}), torch::zeros({2}), torch::arange(3), torch::full({2}, 3), torch::rand({2}, torch::kFloat64),
                             torch::randint(5, {2}), torch::empty({2}, torch::kCPU), conv->weight, conv->bias, norm->weight}) {
      CHECK(made.is_meta());
    }
    CHECK(torch::rand({2}, torch::kFloat64).scalar_type() == torch::kFloat64);
    CHECK(conv->weight.sizes() == at::IntArrayRef({4, 3, 5, 5}));
    CHECK(conv->weight.requires_grad());
    CHECK_THROWS(torch::ones({}).item<float>());
  }
  CHECK_FALSE(elsewhere);
  CHECK(torch::randn({3}).is_cpu());
}

TEST_CASE("shapes_only: operators that models are made of give the shapes they give with numbers", "[tensor][fast]") {
  const torch::NoGradGuard no_grad;
  const std::vector<std::function<Tensor(const torch::TensorOptions&)>> all{
      [](const auto& on) { return at::conv1d(torch::ones({2, 4, 9}, on), torch::ones({6, 4, 3}, on), {}, 2, 1, 2); },
      [](const auto& on) { return at::conv2d(torch::ones({2, 4, 9, 8}, on), torch::ones({6, 2, 3, 5}, on), torch::ones({6}, on), {2, 3}, {1, 2}, {2, 1}, 2); },
      [](const auto& on) { return at::conv_transpose2d(torch::ones({2, 4, 9, 8}, on), torch::ones({4, 3, 3, 2}, on), {}, 2, 1, 1, 2, {1, 1}); },
      [](const auto& on) { return at::batch_norm(torch::ones({2, 3, 4, 4}, on), {}, {}, torch::ones({3}, on), torch::ones({3}, on), false, 0.1, 1e-5, true); },
      [](const auto& on) { return at::layer_norm(torch::ones({2, 5, 3}, on), {3}, torch::ones({3}, on), torch::ones({3}, on)); },
      [](const auto& on) { return at::embedding(torch::ones({7, 3}, on), torch::ones({2, 5}, on.dtype(torch::kLong))); },
      [](const auto& on) { return torch::ones({2, 5, 3}, on).index_select(-2, torch::zeros({4}, on.dtype(torch::kLong))); },
      [](const auto& on) { return torch::where(torch::ones({2, 1}, on).gt(0), torch::ones({3}, on), torch::ones({}, on.dtype(torch::kFloat64))); },
      [](const auto& on) { return torch::relu(torch::ones({2, 5}, on)); },
      [](const auto& on) { return at::scaled_dot_product_attention(torch::ones({2, 3, 5, 8}, on), torch::ones({2, 3, 7, 8}, on), torch::ones({2, 3, 7, 6}, on), torch::ones({5, 7}, on).gt(0)); },
      [](const auto& on) { return at::upsample_bilinear2d(torch::ones({2, 3, 4, 4}, on), {7, 9}, true); },
      [](const auto& on) { return at::max_pool2d(torch::ones({2, 3, 9, 9}, on), 3, 2, 1); },
  };
  { const ShapesOnly scope; }  // the kernels stay
  for (std::size_t i = 0; i < all.size(); ++i) {
    INFO(i);
    const auto numbers = all[i](torch::kCPU), shape = all[i](torch::kMeta);
    CHECK(shape.is_meta());
    CHECK(shape.sizes() == numbers.sizes());
    CHECK(shape.scalar_type() == numbers.scalar_type());
  }
}

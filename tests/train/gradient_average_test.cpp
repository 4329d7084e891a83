#include "catch.hpp"
#include "ranks.hpp"

#include <mgca/train/gradient_average.hpp>

#include <functional>
#include <stdexcept>

namespace {

// Layers whose use is chosen pass by pass.
struct Layers : torch::nn::Module {
  Layers() {
    for (int i = 0; i < 4; ++i) layers.push_back(register_module("layer" + std::to_string(i), torch::nn::Linear(5, 5)));
    const torch::NoGradGuard no_grad;  // torch's generator is shared between the threads that are ranks here
    double shift = 0;
    for (auto& parameter : parameters()) parameter.copy_(torch::arange(parameter.numel(), parameter.dtype()).add(++shift).sin().view_as(parameter) / 2);
  }
  [[nodiscard]] torch::Tensor loss(const torch::Tensor& x, std::initializer_list<std::size_t> used) {
    auto y = x;
    for (const auto i : used) y = layers[i](y).tanh();
    return y.square().mean();
  }
  std::vector<torch::nn::Linear> layers;
};


torch::Tensor layer_input(int64_t rank) { return torch::arange(20, torch::kFloat32).view({4, 5}) / 20 - 0.3 * static_cast<double>(rank); }

std::vector<torch::Tensor> gradients_of(const torch::nn::Module& module) {
  std::vector<torch::Tensor> all;
  for (const auto& parameter : module.parameters()) all.push_back(parameter.grad());
  return all;
}

// What a rank's own gradients would be, without the others.
std::vector<torch::Tensor> own_gradients(const std::function<torch::Tensor(Layers&)>& loss) {
  Layers module;
  loss(module).backward();
  return gradients_of(module);
}

using mgca::GradientAverage;
using mgca::test::require;
using mgca::test::require_error;
using Pass = GradientAverage::Pass;

}  // namespace

TEST_CASE("gradient_average: every rank gets the mean, whatever the buckets, whatever a rank leaves out", "[train][fast]") {
  for (const int64_t bucket_bytes : {1, 200, 1 << 20}) {
    mgca::test::on_ranks(3, [&](mgca::ProcessGroup& group) {
      // Layer 1 is used by rank 2 only, layer 3 by nobody.
      const auto loss_of = [&](int64_t rank, Layers& module) { return rank == 2 ? module.loss(layer_input(2), {2, 1, 0}) : module.loss(layer_input(rank), {0, 2}); };
      Layers module;
      GradientAverage average(module, {group, group, group}, {.bucket_bytes = bucket_bytes});
      require(average.buckets() == (bucket_bytes == 1 ? 8U : bucket_bytes == 200 ? 4U : 1U), "buckets: " + std::to_string(average.buckets()));
      std::vector<std::vector<torch::Tensor>> all;
      for (int64_t rank = 0; rank < 3; ++rank) all.push_back(own_gradients([&](Layers& other) { return loss_of(rank, other); }));
      for (int step = 0; step < 2; ++step) {  // nothing of a step is left in the next
        module.zero_grad();
        average.expect(Pass::last);
        loss_of(group.rank(), module).backward();
        average.finish();
        const auto found = gradients_of(module);
        for (std::size_t i = 0; i < found.size(); ++i) {
          auto expected = torch::zeros_like(module.parameters()[i]);
          bool used = false;
          for (const auto& rank : all) {
            if (rank[i].defined()) expected += rank[i] / 3, used = true;
          }
          require(found[i].defined() == used, "presence of " + std::to_string(i));
          require(!used || torch::allclose(found[i], expected, 1e-5, 1e-7), "mean of " + std::to_string(i));
        }
      }
    });
  }
}

TEST_CASE("gradient_average: nothing travels before the last pass of a step, and passes are counted once", "[train][fast]") {
  mgca::test::on_ranks(2, [](mgca::ProcessGroup& group) {
    // Counts sums; the rest goes through.
    struct Counting : mgca::ProcessGroup {
      explicit Counting(mgca::ProcessGroup& to) : group(to) {}
      int64_t rank() const override { return group.rank(); }
      int64_t size() const override { return group.size(); }
      mgca::Collective start_sum(const torch::Tensor& tensor) override { return ++sums, group.start_sum(tensor); }
      mgca::Collective start_copy(const torch::Tensor& tensor, int64_t from) override { return group.start_copy(tensor, from); }
      mgca::Collective start_gather(const torch::Tensor& mine, const torch::Tensor& all) override { return group.start_gather(mine, all); }
      mgca::ProcessGroup& group;
      int64_t sums = 0;
    } counting(group);
    Layers module;
    GradientAverage average(module, {counting, group, group}, {.bucket_bytes = 200});
    average.expect(Pass::more);
    module.loss(layer_input(group.rank()), {0, 1}).backward();  // layer 1 has its gradient from this pass only
    require(counting.sums == 0, "early");
    average.expect(Pass::last);
    module.loss(layer_input(group.rank() + 2), {0, 2, 3}).backward();
    require(counting.sums == 2, "layers 3 and 2 are under way, layer 1 is waited for: " + std::to_string(counting.sums));
    average.finish();
    require(counting.sums == 4, "one sum a bucket");
    std::vector<torch::Tensor> expected;
    for (int64_t rank = 0; rank < 2; ++rank) {
      const auto one = own_gradients([&](Layers& other) { return other.loss(layer_input(rank), {0, 1}) + other.loss(layer_input(rank + 2), {0, 2, 3}); });
      for (std::size_t i = 0; i < one.size(); ++i) {
        if (rank == 0) expected.push_back(one[i] / 2);
        else expected[i] += one[i] / 2;
      }
    }
    const auto found = gradients_of(module);
    for (std::size_t i = 0; i < found.size(); ++i) require(torch::allclose(found[i], expected[i], 1e-5, 1e-7), "mean of " + std::to_string(i));
  });
}

TEST_CASE("gradient_average: as bf16 the mean is off by at most the ranks' rounding of each part", "[train][fast]") {
  mgca::test::on_ranks(3, [](mgca::ProcessGroup& group) {
    const auto train = [&](mgca::Compression compress) {
      Layers module;
      GradientAverage average(module, {group, group, group}, {.compress = compress});
      average.expect(Pass::last);
      module.loss(layer_input(group.rank()), {0, 1, 2, 3}).backward();
      average.finish();
      return gradients_of(module);
    };
    const auto exact = train(mgca::Compression::none), rounded = train(mgca::Compression::bf16);
    auto sizes = own_gradients([&](Layers& other) { return other.loss(layer_input(group.rank()), {0, 1, 2, 3}); });
    double largest = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      auto size = sizes[i].abs();
      group.sum(size);
      const auto bound = size / 3 * (3.03 / 512);  // 3 roundings of 2^-9 of what is summed at most: its own and two sums
      require((exact[i] - rounded[i]).abs().le(bound).all().item<bool>(), "bound of " + std::to_string(i));
      largest = std::max(largest, (exact[i] - rounded[i]).abs().max().item<double>());
    }
    require(largest > 0, "nothing was rounded");
  });
}

TEST_CASE("gradient_average: a parameter keeps its layout, and a second last pass is refused", "[train][fast]") {
  mgca::test::on_ranks(2, [](mgca::ProcessGroup& group) {
    struct Picture : torch::nn::Module {
      Picture() { weight = register_parameter("weight", torch::ones({4, 3, 2, 2}).contiguous(at::MemoryFormat::ChannelsLast)); }
      torch::Tensor weight;
    } module;
    GradientAverage average(module, {group, group, group});
    average.expect(Pass::last);
    const auto loss = [&] { return (module.weight * torch::arange(48).view({4, 3, 2, 2})).sum() * static_cast<double>(group.rank() + 1); };
    loss().backward();
    average.finish();
    require(module.weight.grad().strides() == module.weight.strides(), "strides");
    require(module.weight.grad().equal(torch::arange(48).view({4, 3, 2, 2}) * 1.5), "mean");
    average.expect(Pass::last);
    loss().backward();
    require_error([&] { loss().backward(); }, {"second backward pass", "finish()"});
    average.finish();
  });
}

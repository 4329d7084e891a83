#include "expect_error.hpp"
#include "gradients.hpp"
#include "joined_norm.hpp"

#include <mgca/nn/batch_norm.hpp>
#include <mgca/nn/token_norm.hpp>

using mgca::Tensor;

namespace {

// Two steps of training, with values, gradients and statistics, and an evaluation: one row of tensors, to be compared bit by bit.
template <class Norm>
std::vector<Tensor> steps_of(Norm& norm, at::IntArrayRef shape) {
  std::vector<Tensor> all;
  for (const bool training : {true, true, false}) {
    norm->train(training);
    torch::manual_seed(training ? 1 : 2);
    auto x = (torch::randn(shape) * 2 + 1).requires_grad_();
    const auto y = norm(x);
    (y * torch::randn(shape)).sum().backward();
    for (const auto& t : {y, x.grad()}) all.push_back(t.detach());
  }
  for (const auto& p : norm->named_parameters()) all.push_back(p.value().grad());
  for (const auto& b : norm->named_buffers()) all.push_back(b.value());
  return all;
}

bool same_bits(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const Tensor& x, const Tensor& y) { return torch::equal(x, y); });
}

template <class Ours, class Theirs>
bool is_torchs(at::IntArrayRef shape, const torch::nn::BatchNormOptions& options, mgca::ProcessGroup* group) {
  Ours ours(options);
  Theirs theirs(options);
  mgca::nn::synchronise_batch_norms(*ours, group);
  return ours->named_parameters().keys() == theirs->named_parameters().keys() && ours->named_buffers().keys() == theirs->named_buffers().keys() &&
         same_bits(steps_of(ours, shape), steps_of(theirs, shape));
}

}  // namespace

TEST_CASE("batch_norm: without other ranks it is torch's, bit for bit", "[nn][fast]") {
  const auto claim = [](mgca::ProcessGroup* group) {
    bool same = true;
    for (const auto& options : {torch::nn::BatchNormOptions(3), torch::nn::BatchNormOptions(3).momentum(std::nullopt).eps(1e-3),
                                torch::nn::BatchNormOptions(3).affine(false), torch::nn::BatchNormOptions(3).track_running_stats(false)}) {
      same = same && is_torchs<mgca::BatchNorm2d, torch::nn::BatchNorm2d>({4, 3, 5, 6}, options, group);
      same = same && is_torchs<mgca::BatchNorm1d, torch::nn::BatchNorm1d>({7, 3}, options, group);
      same = same && is_torchs<mgca::BatchNorm1d, torch::nn::BatchNorm1d>({4, 3, 5}, options, group);
    }
    return same;
  };
  CHECK(claim(nullptr));
  bool alone = false, evaluating = false;
  mgca::test::on_ranks(1, [&](mgca::ProcessGroup& group) { alone = claim(&group); });
  CHECK(alone);
  mgca::test::on_ranks(2, [&](mgca::ProcessGroup& group) {
    mgca::BatchNorm1d norm(3);
    mgca::nn::synchronise_batch_norms(*norm, &group);
    norm->eval();
    if (group.rank() == 0) evaluating = torch::allclose(norm(torch::ones({2, 3})), torch::ones({2, 3}), 1e-5, 1e-5);  // nobody else calls
  });
  CHECK(evaluating);
}

TEST_CASE("batch_norm: ranks that share statistics are one process with all rows", "[nn][fast]") {
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    const double allowed = type == torch::kFloat64 ? 1e-12 : 2e-6;
    using Options = torch::nn::BatchNormOptions;
    for (const auto& options : {Options(3), Options(3).momentum(std::nullopt), Options(3).affine(false)}) {
      const auto flat = [&] { return mgca::BatchNorm1d(options); };
      const auto planes = [&] { return mgca::BatchNorm2d(options); };
      const auto call = [](auto& norm, const Tensor& x, const Tensor&) { return norm(x); };
      CHECK(mgca::test::worst_of_ranks(flat, call, {.rows = {5, 1}, .row = {3}, .type = type}) < allowed);
      CHECK(mgca::test::worst_of_ranks(flat, call, {.rows = {1, 4, 2}, .row = {3, 4}, .type = type}) < allowed);
      CHECK(mgca::test::worst_of_ranks(planes, call, {.rows = {3, 1, 2}, .row = {3, 5, 4}, .type = type}) < allowed);
      CHECK(mgca::test::worst_of_ranks(planes, call, {.rows = {2, 3}, .row = {3, 5, 4}, .type = type, .channels_last = true}) < allowed);
    }
  }
}

TEST_CASE("batch_norm: half-precision rows are counted in single precision", "[nn][fast]") {
  const auto x = (torch::randn({6, 3, 4, 4}) * 2 + 1).to(torch::kBFloat16);
  mgca::BatchNorm2d whole(3);
  const auto expected = whole(x.to(torch::kFloat32));
  mgca::test::on_ranks(2, [&](mgca::ProcessGroup& group) {
    mgca::BatchNorm2d norm(3);
    mgca::nn::synchronise_batch_norms(*norm, &group);
    auto mine = x.narrow(0, 3 * group.rank(), 3).clone().requires_grad_();
    const auto y = norm(mine);
    y.square().sum().backward();
    if (y.scalar_type() != torch::kBFloat16 || mine.grad().scalar_type() != torch::kBFloat16 || norm->weight.grad().scalar_type() != torch::kFloat32)
      throw std::runtime_error("types");
    if (!torch::allclose(y.to(torch::kFloat32), expected.narrow(0, 3 * group.rank(), 3), 1e-2, 1e-2)) throw std::runtime_error("values");
    if (!torch::allclose(norm->running_mean, whole->running_mean, 1e-6, 1e-7) || !torch::allclose(norm->running_var, whole->running_var, 1e-6, 1e-7))
      throw std::runtime_error("statistics");
  });
}

TEST_CASE("batch_norm: a wrong shape, and a rank without rows, are named", "[nn][fast]") {
  mgca::test::expect_error([] { (void)mgca::BatchNorm2d(3)(torch::zeros({2, 3})); }, {"(B, C, H, W)", "3 channels", "[2, 3]"});
  mgca::test::expect_error([] { (void)mgca::BatchNorm1d(3)(torch::zeros({2, 4})); }, {"(B, C, L)", "3 channels", "[2, 4]"});
  mgca::test::on_ranks(2, [](mgca::ProcessGroup& group) {
    mgca::BatchNorm1d norm(3);
    mgca::nn::synchronise_batch_norms(*norm, &group);
    try {
      (void)norm(torch::zeros({0, 3}));
    } catch (const mgca::Error& error) {
      if (std::string(error.what()).find("rank " + std::to_string(group.rank())) != std::string::npos) return;
      throw;
    }
    throw std::runtime_error("no rows were taken for some");
  });
}

TEST_CASE("batch_norm: a module takes statistics of its own where a norm of it is in training and not synchronised", "[nn][fast]") {
  const auto own = [](auto part) { return mgca::nn::takes_own_statistics(*torch::nn::Sequential(torch::nn::Linear(3, 3), part)); };
  CHECK_FALSE(own(torch::nn::LayerNorm(torch::nn::LayerNormOptions({3}))));
  CHECK(own(torch::nn::BatchNorm1d(3)));
  CHECK(own(mgca::BatchNorm1d(torch::nn::BatchNormOptions(3).track_running_stats(false))));
  mgca::BatchNorm1d norm(3);
  CHECK(own(norm));
  norm->eval();
  CHECK_FALSE(own(norm));
  norm->train();
  std::array<bool, 2> shared{}, alone{};
  mgca::test::on_ranks(2, [&](mgca::ProcessGroup& group) {
    mgca::BatchNorm1d one(3);
    mgca::nn::synchronise_batch_norms(*one, &group);
    shared[static_cast<std::size_t>(group.rank())] = !own(one);
  });
  CHECK(shared == std::array{true, true});
  mgca::test::on_ranks(1, [&](mgca::ProcessGroup& group) {
    mgca::BatchNorm1d one(3);
    mgca::nn::synchronise_batch_norms(*one, &group);
    alone[0] = own(one);  // nobody to share with
  });
  CHECK(alone[0]);
}

TEST_CASE("batch_norm: running statistics of ranks become their mean, the same bits on all", "[nn][fast]") {
  struct Norms : torch::nn::Module {
    Norms() {
      register_module("ours", ours);
      register_module("theirs", theirs);
      register_module("token", token);
      register_module("again", ours);
      register_module("frozen", frozen);
      register_module("shared", shared);
      register_buffer("mean", torch::zeros({2}));
      frozen->eval();
    }
    mgca::BatchNorm2d ours{3};
    torch::nn::BatchNorm1d theirs{2};
    mgca::TokenNorm token{{.width = 4}};
    mgca::BatchNorm1d frozen{3}, shared{3};
  };
  std::array<std::vector<Tensor>, 3> before, after;
  std::array<int64_t, 3> averaged{}, found{};
  mgca::test::on_ranks(3, [&](mgca::ProcessGroup& group) {
    const auto rank = static_cast<std::size_t>(group.rank());
    Norms norms;
    found[rank] = mgca::nn::synchronise_batch_norms(norms, nullptr);
    mgca::nn::synchronise_batch_norms(*norms.shared, &group);
    for (const auto& buffer : norms.buffers()) {
      buffer.copy_(torch::linspace(0.1 + group.rank(), 1.7, buffer.numel()).view_as(buffer));
    }
    for (const auto& buffer : norms.buffers()) before[rank].push_back(buffer.clone());
    averaged[rank] = mgca::nn::average_running_statistics(norms, &group);
    after[rank] = norms.buffers();
  });
  CHECK(averaged == std::array<int64_t, 3>{3, 3, 3});
  CHECK(found == std::array<int64_t, 3>{4, 4, 4});
  const auto names = Norms().named_buffers().keys();
  REQUIRE(names.size() == before[0].size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    INFO(names[i]);
    const bool running = names[i].find(".running_") != std::string::npos && !names[i].starts_with("frozen") && !names[i].starts_with("shared");
    const auto mean = (before[0][i] + before[1][i] + before[2][i]) / 3;
    for (std::size_t rank = 0; rank < 3; ++rank) {
      CHECK(torch::equal(after[rank][i], running ? after[0][i] : before[rank][i]));
      if (running) CHECK(torch::allclose(after[rank][i], mean, 1e-6, 0));
    }
  }
  mgca::BatchNorm1d alone(3);
  CHECK(mgca::nn::average_running_statistics(*alone, nullptr) == 0);
}

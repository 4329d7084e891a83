#include "expect_error.hpp"
#include "gradients.hpp"

#include <mgca/ops/position_table.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

using mgca::Tensor;
using mgca::ops::resample_positions;

namespace {

// Cubic convolution with a = -0.5, widened by the scale where the grid shrinks: one axis as a matrix (to, from).
Tensor axis(int64_t from, int64_t to) {
  const auto kernel = [](double x) {
    x = std::abs(x);
    constexpr double a = -0.5;
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
  };
  const double scale = static_cast<double>(from) / static_cast<double>(to), widening = std::max(scale, 1.0);
  auto weights = torch::zeros({to, from}, torch::kFloat64);
  for (int64_t i = 0; i < to; ++i) {
    const double centre = scale * (static_cast<double>(i) + 0.5);
    for (int64_t j = 0; j < from; ++j) weights[i][j] = kernel((static_cast<double>(j) + 0.5 - centre) / widening);
  }
  return weights / weights.sum(1, true);
}

}  // namespace

TEST_CASE("position_table: a grid is resampled by the widened cubic kernel on both axes, the class token stays", "[ops][fast]") {
  for (const auto& [from, to] : {std::pair<int64_t, int64_t>(4, 7), {14, 24}, {14, 6}, {3, 2}}) {
    INFO(from << " to " << to);
    const auto table = mgca::test::random_tensor({1, 1 + from * from, 5}, 31).to(torch::kFloat32);
    const auto found = resample_positions(table, to * to);
    CHECK(found.sizes() == at::IntArrayRef({1, 1 + to * to, 5}));
    CHECK(torch::equal(found.slice(1, 0, 1), table.slice(1, 0, 1)));
    const auto grid = table.slice(1, 1).to(torch::kFloat64).view({from, from, 5});
    const auto expected = torch::einsum("ij,kl,jld->ikd", {axis(from, to), axis(from, to), grid});
    CHECK(torch::allclose(found.slice(1, 1).to(torch::kFloat64).view({to, to, 5}), expected, 1e-5, 1e-5));
  }
}

TEST_CASE("position_table: an equal grid stays bit for bit, a constant one stays constant, the type stays", "[ops][fast]") {
  const auto table = mgca::test::random_tensor({1, 17, 3}, 32);
  CHECK(torch::equal(resample_positions(table, 16), table));
  const auto half = torch::full({1, 17, 3}, 0.5, torch::kHalf);
  const auto larger = resample_positions(half, 49);
  CHECK(larger.scalar_type() == torch::kHalf);
  CHECK(torch::allclose(larger.to(torch::kFloat32), torch::full({1, 50, 3}, 0.5)));
}

TEST_CASE("position_table: grids that are not square are refused, a distilled model's by name", "[ops][fast]") {
  mgca::test::expect_error([] { (void)resample_positions(torch::zeros({1, 18, 3}), 25); }, {"17 and 25 patches", "distilled"});
  mgca::test::expect_error([] { (void)resample_positions(torch::zeros({1, 17, 3}), 20); }, {"16 and 20"});
  mgca::test::expect_error([] { (void)resample_positions(torch::zeros({17, 3}), 25); }, {"(1, 1 + N, D)", "[17, 3]"});
}

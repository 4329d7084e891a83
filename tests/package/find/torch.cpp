#include <mgca/ops/sinkhorn.hpp>

int main() {
  const auto plan = mgca::ops::sinkhorn(torch::tensor({{0.9, 0.1, -0.2}, {0.2, 0.8, 0.0}}));
  return torch::allclose(plan.sum(1), torch::ones({2}, plan.options())) ? 0 : 1;
}

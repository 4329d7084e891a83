// Balanced assignment alone: six samples, three prototypes, every prototype gets its share.
#include <mgca/ops/sinkhorn.hpp>

#include <iostream>

int main() {
  torch::manual_seed(1);
  const auto scores = torch::rand({6, 3}) * 2 - 1;  // cosines
  const auto greedy = (scores / 0.05).softmax(1);
  const auto balanced = mgca::ops::sinkhorn(scores, {.iterations = 50});
  std::cout << "scores\n" << scores << "\nmass per prototype without balance " << greedy.sum(0) << "\nand with " << balanced.sum(0) << '\n';
  const bool fair = torch::allclose(balanced.sum(0), torch::full({3}, 2.0), 0.05, 0.05);
  std::cout << (fair ? "ok: six samples, two for each prototype\n" : "not balanced\n");
  return fair ? 0 : 1;
}

#include <mgca/metrics/roc_auc.hpp>

#include <array>

int main() {
  constexpr std::array<float, 4> score{0.1F, 0.4F, 0.35F, 0.8F};
  constexpr std::array<std::uint8_t, 4> label{0, 0, 1, 1};
  return mgca::metrics::roc_auc(score, label) == 0.75 ? 0 : 1;
}

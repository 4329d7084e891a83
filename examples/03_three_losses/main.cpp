// The three losses of MGCA on tensors of your own: no encoder, no data set.
#include <mgca/align/cpa.hpp>
#include <mgca/align/cta.hpp>
#include <mgca/align/ita.hpp>
#include <mgca/ops/unit.hpp>

#include <iostream>

int main() {
  torch::manual_seed(0);
  const int64_t B = 8, P = 49, W = 20, D = 32, K = 10;
  const auto leaf = [](at::IntArrayRef shape) { return torch::randn(shape).requires_grad_(); };
  const auto image = leaf({B, D}), report = leaf({B, D}), patches = leaf({B, P, D}), words = leaf({B, W, D}), prototypes = leaf({K, D});

  const mgca::Embeddings left{.global = mgca::ops::unit(image), .local = mgca::ops::unit(patches), .attention = torch::rand({B, P})};
  const mgca::Embeddings right{.global = mgca::ops::unit(report), .local = mgca::ops::unit(words), .attention = torch::rand({B, W}),
                               .valid = torch::arange(W).expand({B, W}) < 12};
  mgca::CtaLayers unused;  // only the learned kind of attention has parameters

  const auto ita = mgca::align::ita(left.global, right.global, 0.07).sum();
  const auto cta = mgca::align::cta(left, right, unused, {.width = D, .learned = false}).value();
  const auto cpa = mgca::align::cpa(left.global, right.global, mgca::ops::unit(prototypes), 0.2, {}).value();
  (ita + cta + cpa).backward();
  std::cout << "ita " << ita.item<float>() << ", cta " << cta.item<float>() << ", cpa " << cpa.item<float>() << '\n';
  const bool reached = image.grad().defined() && report.grad().defined() && patches.grad().defined() && words.grad().defined() && prototypes.grad().defined();
  std::cout << (reached ? "ok: gradients reach all five inputs\n" : "a gradient is missing\n");
  return reached ? 0 : 1;
}

// What every model must do in training.
#pragma once

#include "gradients.hpp"
#include "host_reads.hpp"

#include <mgca/align/model.hpp>

namespace mgca::test {

// A step reads nothing from the device, the gradient reaches every parameter but those whose name ends as told, and twenty steps
// of plain descent on one batch make the loss smaller.
inline void expect_trains(AlignmentModel& model, const AlignmentInput& batch, double rate, const std::vector<std::string>& without = {}) {
  model.train();
  Tensor loss;
  {
    const HostReads watch;
    loss = model.losses(batch).total();
    loss.backward({}, /*retain_graph=*/true);
    CHECK(HostReads::operator_count() > 50);
    CHECK(HostReads::reads() == std::multiset<std::string>{});
  }
  const double before = loss.item<double>();
  model.zero_grad();
  expect_gradients(model, loss, without);
  for (int step = 0; step < 20; ++step) {
    const torch::NoGradGuard no_grad;
    for (auto& p : model.parameters()) {
      if (p.grad().defined()) p.sub_(p.grad() * rate);
    }
    model.zero_grad();
    const torch::AutoGradMode on(true);
    model.losses(batch).total().backward();
  }
  CHECK(model.losses(batch).total().item<double>() < before - 0.05);
}

}  // namespace mgca::test

// A task on held-out data.
#pragma once

#include <mgca/tensor/nn.hpp>
#include <mgca/tensor/precision.hpp>
#include <mgca/train/meter.hpp>
#include <mgca/train/task.hpp>

namespace mgca {

// Sample-weighted means over one pass, in evaluation mode and without gradient; the module's mode is restored.
template <class T, BatchSource Source>
  requires EvaluationTask<T, typename Source::Batch>
[[nodiscard]] Values evaluate(T& task, const Source& source, Precision precision = Precision::f32) {
  const torch::NoGradGuard no_grad;
  torch::nn::Module& module = task.module();
  const bool was_training = module.is_training();
  const auto parameters = module.parameters();
  const auto device = parameters.empty() ? torch::kCPU : parameters.front().device().type();
  struct Mode {  // restored when a step throws, too
    torch::nn::Module& module;
    bool training;
    ~Mode() { module.train(training); }
  } const restored{module, was_training};
  module.eval();
  Meter meter;
  auto batches = source.epoch_batches(0, 0);
  while (auto batch = batches.next()) {
    const AutocastScope scope(precision, device);
    meter.add(task.evaluation_step(*batch));
  }
  return meter.means();
}

}  // namespace mgca

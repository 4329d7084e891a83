// A task on held-out data.
#pragma once

#include <mgca/tensor/nn.hpp>
#include <mgca/tensor/precision.hpp>
#include <mgca/train/meter.hpp>
#include <mgca/train/task.hpp>

#include <atomic>
#include <optional>

namespace mgca {

// Evaluation mode without gradient while it lives; then the module is in the mode it was in, also when something throws.
class EvaluationScope {
 public:
  explicit EvaluationScope(torch::nn::Module& module) : module_(&module), training_(module.is_training()) { module.eval(); }
  ~EvaluationScope() { module_->train(training_); }
  EvaluationScope(const EvaluationScope&) = delete;
  EvaluationScope& operator=(const EvaluationScope&) = delete;

 private:
  torch::NoGradGuard no_grad_;
  torch::nn::Module* module_;
  bool training_;
};

struct EvaluateOptions {
  Precision precision = Precision::f32;
  const std::atomic<bool>* stop = nullptr;  // looked at before every batch
};

// Sample-weighted means over one pass, in an EvaluationScope; nothing if the stop turned true on the way. Throws Error(argument) for a precision the device cannot serve well.
template <class T, BatchSource Source>
  requires EvaluationTask<T, typename Source::Batch>
[[nodiscard]] std::optional<Values> evaluate_unless_stopped(T& task, const Source& source, const EvaluateOptions& options) {
  const auto parameters = static_cast<torch::nn::Module&>(task.module()).parameters();
  const auto device = parameters.empty() ? torch::kCPU : parameters.front().device().type();
  check_precision(options.precision, device);
  const EvaluationScope evaluation(task.module());
  Meter meter;
  auto batches = source.epoch_batches(0, 0);
  for (;;) {
    if (options.stop != nullptr && options.stop->load()) return std::nullopt;
    const auto batch = batches.next();
    if (!batch) return meter.means();
    const AutocastScope scope(options.precision, device);
    meter.add(task.evaluation_step(*batch));
  }
}

template <class T, BatchSource Source>
  requires EvaluationTask<T, typename Source::Batch>
[[nodiscard]] Values evaluate(T& task, const Source& source, Precision precision = Precision::f32) {
  return *evaluate_unless_stopped(task, source, {.precision = precision});
}

}  // namespace mgca

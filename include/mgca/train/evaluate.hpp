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
  Ranks* ranks = nullptr;                   // who evaluate together, each the batches of its own source, which may be none
};

// Sample-weighted means over one pass, in an EvaluationScope; nothing if the stop turned true on the way. Ranks get the means over all of
// them, or nothing where one was stopped; they meet after the pass. Throws Error(argument) for a precision the device cannot serve well.
template <class T, BatchSource Source>
  requires EvaluationTask<T, typename Source::Batch>
[[nodiscard]] std::optional<Values> evaluate_unless_stopped(T& task, const Source& source, const EvaluateOptions& options) {
  const auto parameters = static_cast<torch::nn::Module&>(task.module()).parameters();
  const auto device = parameters.empty() ? torch::Device(torch::kCPU) : parameters.front().device();
  check_precision(options.precision, device.type());
  const EvaluationScope evaluation(task.module());
  Meter meter;
  bool stopped = false;
  (void)on_all_or_none(options.ranks, {}, [&] {
    auto batches = source.epoch_batches(0, 0);
    for (;;) {
      stopped = options.stop != nullptr && options.stop->load();
      const auto batch = stopped ? std::nullopt : batches.next();
      if (!batch) return;
      const AutocastScope scope(options.precision, device.type());
      meter.add(task.evaluation_step(*batch));
    }
  });
  if (any_rank(options.ranks, stopped)) return std::nullopt;
  return meter.joined(options.ranks, device).means();
}

template <class T, BatchSource Source>
  requires EvaluationTask<T, typename Source::Batch>
[[nodiscard]] Values evaluate(T& task, const Source& source, Precision precision = Precision::f32) {
  return *evaluate_unless_stopped(task, source, {.precision = precision});
}

}  // namespace mgca

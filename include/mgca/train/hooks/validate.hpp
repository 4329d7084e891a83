// After every epoch: the task on held-out data, its values under the prefix "val_".
#pragma once

#include <mgca/train/evaluate.hpp>

namespace mgca {

template <class T, BatchSource Source>
  requires EvaluationTask<T, typename Source::Batch>
class Validate {
 public:
  // Keeps references; both must outlive the hook.
  Validate(T& task, const Source& source, Precision precision = Precision::f32) : task_(&task), source_(&source), precision_(precision) {}

  void after_epoch(const Progress& /*at*/, Values& values) {
    for (const auto& [name, value] : evaluate(*task_, *source_, precision_)) values["val_" + name] = value;
  }

 private:
  T* task_;
  const Source* source_;
  Precision precision_;
};

}  // namespace mgca

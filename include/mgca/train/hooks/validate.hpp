// After every epoch: the task on held-out data, its values under the prefix "val_". A stop is obeyed between batches.
// Several ranks evaluate what each one's source gives it.
#pragma once

#include <mgca/train/evaluate.hpp>

namespace mgca {

template <class T, BatchSource Source>
  requires EvaluationTask<T, typename Source::Batch>
class Validate {
 public:
  // Keeps references; both must outlive the hook.
  Validate(T& task, const Source& source, Precision precision = Precision::f32) : task_(&task), source_(&source), precision_(precision) {}

  Stop after_epoch(const Progress& at, Values& values) {
    const auto found = evaluate_unless_stopped(*task_, *source_, {.precision = precision_, .stop = at.stop, .ranks = at.ranks});
    if (!found) return Stop::interrupted;
    for (const auto& [name, value] : *found) values["val_" + name] = value;
    return Stop::no;
  }

 private:
  T* task_;
  const Source* source_;
  Precision precision_;
};

}  // namespace mgca

// What the loop asks of a task, of its batches and of its hooks.
#pragma once

#include <mgca/tensor/nn.hpp>
#include <mgca/tensor/state_dict.hpp>  // NamedTensor
#include <mgca/train/exchange.hpp>

#include <atomic>
#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mgca {

// What one batch gave. Values stay on the device; the loop reads them when it reports.
struct StepResult {
  Tensor loss;                       // scalar to minimise
  std::vector<NamedTensor> metrics;  // scalars to watch
  int64_t samples = 0;               // weight of this batch in means
};

template <class T, class Batch>
concept Task = requires(T& task, const Batch& batch) {
  { task.module() } -> std::convertible_to<torch::nn::Module&>;
  { task.training_step(batch) } -> std::same_as<StepResult>;
};

template <class T, class Batch>
concept EvaluationTask = requires(T& task, const Batch& batch) {
  { task.module() } -> std::convertible_to<torch::nn::Module&>;
  { task.evaluation_step(batch) } -> std::same_as<StepResult>;
};

// Batches of an epoch, enterable at any position.
template <class S>
concept BatchSource = requires(const S& source, int64_t epoch, int64_t first) {
  typename S::Batch;
  { source.batches_per_epoch() } -> std::convertible_to<int64_t>;
  { source.epoch_batches(epoch, first).next() } -> std::same_as<std::optional<typename S::Batch>>;
};

// Where the loop stands.
struct Progress {
  int64_t epoch = 0;              // counted from 0
  int64_t epochs = 0;
  int64_t batch = 0;              // batches of this epoch already done
  int64_t batches_per_epoch = 0;
  int64_t step = 0;               // optimiser steps done
  int64_t steps = 0;              // optimiser steps of the whole run
  double learning_rate = 0;       // of the last step
  const std::atomic<bool>* stop = nullptr;  // set by the caller of fit(); a hook that takes long looks at it
  Ranks* ranks = nullptr;         // those that train together; nullptr: this process alone

  // Is it this process that writes files? Hooks run on every rank, with the same values.
  [[nodiscard]] bool writes() const { return speaks(ranks); }
};

// Host values by name: means of the epoch, or of what has been seen of it.
using Values = std::map<std::string, double>;

enum class Stop : uint8_t {
  no,
  yes,          // training is done
  interrupted,  // the hook saw Progress::stop and left; a resumed run repeats the end of the epoch
};

// Hooks are any structs with any of these members, called in argument order:
//   before_epoch(const Progress&), after_step(const Progress&), on_report(const Progress&, const Values&),
//   after_epoch(const Progress&, Values&) -> void or Stop, resumed(const Progress&), after_fit(const Progress&).
// A hook with state names itself (`static constexpr std::string_view name`) and describes its fields; they are saved. So are the tensors
// of one that has `state() -> StateDict` and `load_state(const StateDict&)` besides.
template <class Hook>
concept AnyHook = requires(Hook& hook, const Progress& at, Values& values) {
  requires requires { hook.before_epoch(at); } || requires { hook.after_step(at); } || requires { hook.on_report(at, values); } ||
               requires { hook.after_epoch(at, values); } || requires { hook.resumed(at); } || requires { hook.after_fit(at); };
};

namespace detail {

// Said at the point of use, one sentence for the first member that is missing; what follows it in a compiler's output may be ignored.
template <class S>
consteval bool require_source() {
  constexpr bool batch = requires { typename S::Batch; };
  constexpr bool count = requires(const S& s) { { s.batches_per_epoch() } -> std::convertible_to<int64_t>; };
  constexpr bool whole = BatchSource<S>;
  static_assert(batch, "fit: a source of batches lacks the member type Batch, see mgca/train/task.hpp");
  static_assert(!batch || count, "fit: a source of batches lacks batches_per_epoch() const -> int64_t, see mgca/train/task.hpp");
  static_assert(!batch || !count || whole,
                "fit: a source of batches lacks epoch_batches(epoch, first) const, whose result has next() -> std::optional<Batch>, see mgca/train/task.hpp");
  return true;
}

template <class T, class Batch>
consteval bool require_task() {
  constexpr bool module = requires(T& task) { { task.module() } -> std::convertible_to<torch::nn::Module&>; };
  constexpr bool step = requires(T& task, const Batch& b) { { task.training_step(b) } -> std::same_as<StepResult>; };
  static_assert(module, "fit: a task lacks module() -> torch::nn::Module&, see mgca/train/task.hpp");
  static_assert(!module || step, "fit: a task lacks training_step(const Batch&) -> mgca::StepResult for the batches of this source, see mgca/train/task.hpp");
  return true;
}

template <class Hook>
consteval bool require_hook() {
  static_assert(AnyHook<Hook>, "fit: a hook has none of before_epoch, after_step, on_report, after_epoch, resumed and after_fit with their arguments, see mgca/train/task.hpp");
  return true;
}

}  // namespace detail

}  // namespace mgca

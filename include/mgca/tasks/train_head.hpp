// How whatever stands on an image tower is trained: AdamW, validation after every epoch, the best epoch's weights in the end, early stopping,
// and with a run folder a checkpoint after every epoch. Classification, detection and segmentation share it.
#pragma once

#include <mgca/core/config.hpp>
#include <mgca/feed/loader.hpp>
#include <mgca/train/checkpoint.hpp>
#include <mgca/train/hooks/early_stop.hpp>
#include <mgca/train/hooks/remember_best.hpp>
#include <mgca/train/hooks/validate.hpp>
#include <mgca/train/trainer.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace mgca {

// The fields of a recipe that train_head reads.
template <class C>
concept HeadConfig = Described<C> && requires(const C& config) {
  { config.epochs + config.batch_size + config.patience + config.threads } -> std::same_as<int64_t>;
  { config.rate + config.weight_decay } -> std::same_as<double>;
  { config.seed } -> std::convertible_to<uint64_t>;
  { config.run } -> std::convertible_to<RunContext>;
};

// Beyond the recipe: what each task has its own of.
struct HeadOptions {
  std::string monitor = "val_loss";  // chooses the best epoch
  Better better = Better::smaller;
  int64_t held_out_batch = 16;       // records in a batch of validation
  ScheduleKind schedule = ScheduleKind::constant;  // else a tenth of the steps warms up to the recipe's rate, the rest falls to 0
};

struct HeadTraining {
  FitResult fit;
  std::optional<double> best;  // value of the best epoch; nothing where no epoch had a finite one
  int64_t best_epoch = -1;     // counted from 0
};

namespace tasks {

template <class Train, class Valid = Train>
struct TrainingSplits {
  const Train& train;
  const Valid& valid;
};

namespace detail {

// What a resumed run must agree with: the caller's own, the recipe, how pictures are prepared, and the weights at the start. Threads and
// where pictures are kept change no number.
template <class T, class Train, HeadConfig Config>
[[nodiscard]] std::map<std::string, std::string> identity_of(T& task, const Train& train, const Config& config) {
  auto all = config.run.identity;
  const auto add = [&](const std::string& prefix, const auto& record) {
    for (const auto& row : option_table(record)) {
      if (row.path != "threads" && row.path != "store") all.emplace(prefix + row.path, row.value);
    }
  };
  add("recipe.", config);
  if constexpr (requires { train.config(); }) add("pictures.", train.config());
  if constexpr (requires { task.whole(); }) all.emplace("start_weights", content_hash(state_dict(task.whole())));
  else all.emplace("start_weights", content_hash(state_dict(task.module())));
  return all;
}

}  // namespace detail

// Trains until patience ends or the epochs are over; the task's module is in evaluation mode then and, unless the run was stopped from outside,
// has the weights of its best epoch. The task is the first hook after validation where it has events; `hooks` come last. With
// config.run.folder the run goes on where an earlier call in that folder ended and ends with the same bytes; the task must be made as it
// was then, from the same start weights. Throws Error(config) naming what differs, and as fit does.
template <class T, class Train, class Valid, HeadConfig Config, class... Hooks>
HeadTraining train_head(T& task, const TrainingSplits<Train, Valid>& splits, const Config& config, const HeadOptions& how, Hooks&&... hooks) {
  auto& module = static_cast<torch::nn::Module&>(task.module());
  LoaderOptions loading{.batch_size = std::min<int64_t>(config.batch_size, splits.train.size()), .threads = config.threads, .seed = config.seed};
  loading.pinned = module.parameters().front().is_cuda();
  const Loader<Train> batches(splits.train, loading, config.run.sink);
  loading.batch_size = how.held_out_batch;
  loading.order = Order::as_stored;
  loading.last_batch = LastBatch::keep;
  const Loader<Valid> held_out(splits.valid, loading, config.run.sink);

  FitOptions options;
  options.epochs = config.epochs;
  options.schedule = {.kind = how.schedule, .rate = config.rate, .minimum = 0, .warmup_fraction = 0.1};
  options.optimizer.weight_decay = config.weight_decay;
  options.seed = config.seed;
  options.run = config.run;
  if (!options.run.folder.empty()) options.run.identity = detail::identity_of(task, splits.train, config);
  Validate validate(task, held_out);
  RememberBest best(module, how.monitor, how.better);
  EarlyStop early({.monitor = how.monitor, .patience = config.patience, .better = how.better});
  const auto result = [&] {
    if constexpr (AnyHook<T>) return fit(task, batches, options, validate, task, best, early, std::forward<Hooks>(hooks)...);
    else return fit(task, batches, options, validate, best, early, std::forward<Hooks>(hooks)...);
  }();
  module.eval();
  return {.fit = result, .best = best.best(), .best_epoch = best.epoch()};
}

}  // namespace tasks
}  // namespace mgca

// How whatever stands on an image tower is trained: AdamW, validation after every epoch, the best epoch's weights in the end, early stopping,
// and with a run folder a checkpoint after every epoch. Classification, detection and segmentation share it.
#pragma once

#include <mgca/core/config.hpp>
#include <mgca/data/bad_samples.hpp>
#include <mgca/feed/loader.hpp>
#include <mgca/nn/batch_norm.hpp>  // synchronise_batch_norms
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

// While it lives, the losses and batch norms of a task are those of the batch that all ranks hold together.
template <class T>
class JoinedTraining {
 public:
  JoinedTraining(T& task, Ranks* ranks) : task_(&task), ranks_(ranks) { join(ranks != nullptr ? &ranks->peers : nullptr); }
  ~JoinedTraining() { join(nullptr); }
  JoinedTraining(const JoinedTraining&) = delete;
  JoinedTraining& operator=(const JoinedTraining&) = delete;

 private:
  void join(ProcessGroup* peers) const {
    if (ranks_ == nullptr) return;
    (void)nn::synchronise_batch_norms(task_->module(), peers);
    if constexpr (requires { task_->train_with(peers); }) task_->train_with(peers);
  }

  T* task_;
  Ranks* ranks_;
};

// This rank's part of a split. A split smaller than a batch is one batch, but for the records that are too many to divide.
[[nodiscard]] inline LoaderOptions training_loader(int64_t records, const HeadConfig auto& config) {
  LoaderOptions loading{.batch_size = std::min<int64_t>(config.batch_size, records), .threads = config.threads, .seed = config.seed};
  const Ranks* ranks = config.run.ranks;
  if (ranks == nullptr) return loading;
  loading.rank = ranks->rank();
  loading.world = ranks->size();
  MGCA_CHECK(records >= loading.world, "train_head: ", records, " records cannot be divided among ", loading.world, " ranks; use fewer");
  if (loading.batch_size < config.batch_size) loading.batch_size -= loading.batch_size % loading.world;
  return loading;
}

}  // namespace detail

// Trains until patience ends or the epochs are over; the task's module is in evaluation mode then and, unless the run was stopped from outside,
// has the weights of its best epoch. The task is the first hook after validation where it has events; `hooks` come last. With
// config.run.folder the run goes on where an earlier call in that folder ended and ends with the same bytes; the task must be made as it
// was then, from the same start weights. With config.run.ranks each of them calls it; a batch is the batch of all of them, batch norms take
// their statistics over it, and all end with the weights of one process, but for rounding, and for what dropout draws. Throws Error(config) naming what differs,
// Error(argument) where a batch does not divide among the ranks or the source makes a batch smaller for a picture it cannot read, and as fit does.
template <class T, class Train, class Valid, HeadConfig Config, class... Hooks>
HeadTraining train_head(T& task, const TrainingSplits<Train, Valid>& splits, const Config& config, const HeadOptions& how, Hooks&&... hooks) {
  auto& module = static_cast<torch::nn::Module&>(task.module());
  auto* const ranks = config.run.ranks;
  if constexpr (requires { splits.train.config().bad.policy; }) {
    MGCA_CHECK(ranks == nullptr || splits.train.config().bad.policy != BadSamples::skip, "train_head: bad.policy is skip, which makes the batch of a picture that "
               "cannot be read one smaller, and ranks need parts of one size; take replace or fail, or train in one process");
  }
  auto loading = detail::training_loader(splits.train.size(), config);
  loading.pinned = module.parameters().front().is_cuda();
  const Loader<Train> batches(splits.train, loading, config.run.sink);
  const auto records_per_step = loading.batch_size;
  loading.batch_size = how.held_out_batch;
  loading.order = Order::as_stored;
  loading.last_batch = LastBatch::keep;
  loading.share = Share::batches;
  const Loader<Valid> held_out(splits.valid, loading, config.run.sink);

  FitOptions options;
  options.epochs = config.epochs;
  options.schedule = {.kind = how.schedule, .rate = config.rate, .minimum = 0, .warmup_fraction = 0.1};
  options.optimizer.weight_decay = config.weight_decay;
  options.seed = config.seed;
  options.run = config.run;
  if (!options.run.folder.empty() || ranks != nullptr) {
    options.run.identity = detail::identity_of(task, splits.train, config);
    options.run.identity["records_per_step"] = std::to_string(records_per_step);
  }
  const detail::JoinedTraining<T> joined(task, ranks);
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

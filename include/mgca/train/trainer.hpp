// The loop: batches in, optimiser steps out, checkpoints along the way; stopped at any moment it goes on bit for bit.
#pragma once

#include <mgca/core/config.hpp>
#include <mgca/core/event.hpp>
#include <mgca/tensor/precision.hpp>
#include <mgca/tensor/random_state.hpp>
#include <mgca/train/checkpoint.hpp>
#include <mgca/train/fit_options.hpp>
#include <mgca/train/meter.hpp>
#include <mgca/train/optimizer.hpp>
#include <mgca/train/run_lock.hpp>
#include <mgca/train/schedule.hpp>
#include <mgca/train/task.hpp>

#include <optional>
#include <tuple>
#include <utility>

namespace mgca {

namespace detail {

template <class T, class Source, class... Hooks>
class Loop {
  static_assert((AnyHook<Hooks> && ...), "fit: a hook has none of the event functions; see train/trainer.hpp for their names");

 public:
  Loop(T& task, const Source& source, const FitOptions& options, Hooks&... hooks)
      : task_(task), source_(source), options_((options.validate(), options)), hooks_(hooks...), optimizer_(task.module(), options.optimizer, options.precision),
        device_(task.module().parameters().front().device()) {
    check_precision(options.precision, device_.type());
    at_.epochs = options.epochs;
    at_.batches_per_epoch = source.batches_per_epoch();
    MGCA_CHECK(at_.batches_per_epoch > 0, "fit: the source has no batch; use a smaller batch size");
    at_.steps = options.epochs * steps_per_epoch();
    if (options.run.folder.empty()) return;
    checkpoints_.emplace(options.run.folder / "checkpoints", options.keep_checkpoints, options.run.files ? *options.run.files : posix_files());
    if (options.run.lock == nullptr) lock_.emplace(options.run.folder);
  }

  FitResult run() {
    if (!resume()) torch::manual_seed(options_.seed);
    task_.module().train();
    while (!finished_ && at_.epoch < at_.epochs) {
      if (!run_epoch()) return {at_, last_epoch_, FitEnd::interrupted};
    }
    const bool early = at_.epoch < at_.epochs;
    each([&](auto& hook) { if constexpr (requires { hook.after_fit(at_); }) hook.after_fit(at_); });
    return {at_, last_epoch_, early ? FitEnd::stopped_early : FitEnd::finished};
  }

 private:
  [[nodiscard]] int64_t steps_per_epoch() const { return (at_.batches_per_epoch + options_.accumulation - 1) / options_.accumulation; }

  template <class Call>
  void each(Call&& call) {
    std::apply([&](auto&... hook) { (call(hook), ...); }, hooks_);
  }

  // False if the run was asked to stop; a checkpoint is on disk then.
  bool run_epoch() {
    if (at_.batch == 0) each([&](auto& hook) { if constexpr (requires { hook.before_epoch(at_); }) hook.before_epoch(at_); });
    auto batches = source_.epoch_batches(at_.epoch, at_.batch);
    while (at_.batch < at_.batches_per_epoch) {
      step(batches);
      each([&](auto& hook) { if constexpr (requires { hook.after_step(at_); }) hook.after_step(at_); });
      if (at_.step % options_.report_every == 0) report();
      const bool stop = options_.run.stop != nullptr && options_.run.stop->load();
      const bool epoch_goes_on = at_.batch < at_.batches_per_epoch;
      if (epoch_goes_on && (stop || at_.step % options_.checkpoint_every == 0)) save();
      if (epoch_goes_on && stop) return false;
    }
    end_epoch();
    return options_.run.stop == nullptr || !options_.run.stop->load() || finished_ || at_.epoch == at_.epochs;
  }

  // One optimiser step over up to `accumulation` batches.
  template <class Batches>
  void step(Batches& batches) {
    const auto group = std::min(options_.accumulation, at_.batches_per_epoch - at_.batch);
    at_.learning_rate = learning_rate(options_.schedule, at_.step, at_.steps);
    optimizer_.zero_grad();
    for (int64_t i = 0; i < group; ++i) {
      auto batch = batches.next();
      if (!batch) fail(ErrorKind::data, "fit: the source promised ", at_.batches_per_epoch, " batches in epoch ", at_.epoch, " and gave ", at_.batch);
      StepResult result;
      {
        const AutocastScope scope(options_.precision, device_.type());
        result = task_.training_step(*batch);
      }
      optimizer_.scaled(group == 1 ? result.loss : result.loss / static_cast<double>(group)).backward();
      meter_.add(result);
      ++at_.batch;
    }
    if constexpr (requires { task_.after_backward(at_.epoch); }) task_.after_backward(at_.epoch);
    optimizer_.step(at_.learning_rate);
    ++at_.step;
  }

  void report() {
    check_finite();
    const auto values = meter_.means();
    each([&](auto& hook) { if constexpr (requires { hook.on_report(at_, values); }) hook.on_report(at_, values); });
    const auto loss = values.find("loss");
    emit(options_.run.sink, "step", {{"epoch", at_.epoch}, {"step", at_.step}, {"steps", at_.steps}, {"batch", at_.batch},
                                     {"batches", at_.batches_per_epoch}, {"learning_rate", at_.learning_rate},
                                     {"loss", loss == values.end() ? 0.0 : loss->second}});
  }

  void check_finite() {
    const auto skipped = host_values(optimizer_.skipped());
    if (skipped[0] > known_skips_) {
      known_skips_ = skipped[0];
      emit(options_.run.sink, "skipped_steps", {{"step", at_.step}, {"in_all", static_cast<int64_t>(skipped[0])}});
    }
    if (skipped[1] >= static_cast<double>(options_.patience_non_finite)) {
      fail(ErrorKind::data, "fit: the last ", static_cast<int64_t>(skipped[1]), " steps before step ", at_.step, " of epoch ", at_.epoch,
           " had gradients that are not finite and were skipped; lower the learning rate or check the data. The last checkpoint is whole");
    }
  }

  void end_epoch() {
    check_finite();
    last_epoch_ = meter_.means();
    each([&](auto& hook) {
      if constexpr (requires { { hook.after_epoch(at_, last_epoch_) } -> std::same_as<Stop>; }) {
        finished_ = hook.after_epoch(at_, last_epoch_) == Stop::yes || finished_;
      } else if constexpr (requires { hook.after_epoch(at_, last_epoch_); }) {
        hook.after_epoch(at_, last_epoch_);
      }
    });
    std::vector<Field> fields{{"epoch", at_.epoch}, {"epochs", at_.epochs}, {"step", at_.step}};
    for (const auto& [name, value] : last_epoch_) fields.push_back({name, value});
    if (options_.run.sink) options_.run.sink("epoch", fields);
    ++at_.epoch;
    at_.batch = 0;
    meter_.reset();
    save();
    task_.module().train();
  }

  void save() {
    if (!checkpoints_) return;
    Checkpoint checkpoint{.record = {.epoch = at_.epoch, .batch = at_.batch, .step = at_.step, .identity = options_.run.identity,
                                     .threads = at::get_num_threads(), .finished = finished_}};
    each([&](const auto& hook) {
      using Hook = std::remove_cvref_t<decltype(hook)>;
      if constexpr (Described<Hook>) checkpoint.record.hooks[std::string(Hook::name)] = to_json_text(hook, -1);
    });
    checkpoint.parts = {{"model", state_dict(task_.module())}, {"optimizer", optimizer_.state()}, {"meter", meter_.state()}, {"random", random_state()}};
    try {
      checkpoints_->save(checkpoint);
      failed_saves_ = 0;
      emit(options_.run.sink, "checkpoint", {{"epoch", at_.epoch}, {"step", at_.step}});
    } catch (const Error& error) {  // the previous generation is whole, so the run goes on; not for ever
      emit(options_.run.sink, "checkpoint_failed", {{"step", at_.step}, {"reason", std::string(error.what())}});
      if (++failed_saves_ >= 3) throw;
    }
  }

  // Takes up the newest checkpoint. Throws Error(config) where it belongs to another run, listing both values.
  bool resume() {
    if (!checkpoints_) return false;
    const auto found = checkpoints_->newest(options_.run.sink);
    if (!found) return false;
    const auto& record = found->record;
    std::string differences;
    for (const auto& [key, value] : options_.run.identity) {
      const auto it = record.identity.find(key);
      const auto saved = it == record.identity.end() ? std::string("(absent)") : it->second;
      if (saved != value) differences += "\n  " + key + ": the checkpoint has " + saved + ", this run " + value;
    }
    if (!differences.empty()) {
      fail(ErrorKind::config, options_.run.folder.string(), ": its checkpoints belong to another run; choose another folder or restore these:", differences);
    }
    if (record.threads != at::get_num_threads()) {
      emit(options_.run.sink, "threads_changed", {{"saved", record.threads}, {"now", static_cast<int64_t>(at::get_num_threads())}});
    }
    load_state_dict(task_.module(), found->parts.at("model"));
    optimizer_.load_state(found->parts.at("optimizer"));
    meter_.load_state(found->parts.at("meter"), device_);
    set_random_state(found->parts.at("random"));
    at_.epoch = record.epoch;
    at_.batch = record.batch;
    at_.step = record.step;
    finished_ = record.finished;
    each([&](auto& hook) {
      using Hook = std::remove_cvref_t<decltype(hook)>;
      if constexpr (Described<Hook>) {
        if (const auto it = record.hooks.find(std::string(Hook::name)); it != record.hooks.end()) {
          Hook::describe(hook, [json = detail::parse_json(it->second, Hook::name)](const char* name, auto& member, const char*) {
            detail::JsonReader reader;
            if (const auto field = json.find(name); field != json.end()) reader.read(*field, member, name);
            detail::throw_problems(Hook::name, reader.problems);
          });
        }
      }
      if constexpr (requires { hook.resumed(at_); }) hook.resumed(at_);
    });
    emit(options_.run.sink, "resumed", {{"epoch", at_.epoch}, {"batch", at_.batch}, {"step", at_.step}});
    return true;
  }

  T& task_;
  const Source& source_;
  FitOptions options_;
  std::tuple<Hooks&...> hooks_;
  AdamW optimizer_;
  torch::Device device_;
  Meter meter_;
  Progress at_;
  Values last_epoch_;
  std::optional<CheckpointFolder> checkpoints_;
  std::optional<RunLock> lock_;
  double known_skips_ = 0;
  int64_t failed_saves_ = 0;
  bool finished_ = false;
};

}  // namespace detail

// Trains until the epochs are over, a hook stops it, or options.run.stop turns true. With a run folder it continues where
// an earlier call left off; without one a stopped run is lost. Seeds torch's global generator (dropout) unless it resumes.
template <class T, BatchSource Source, class... Hooks>
  requires Task<T, typename Source::Batch>
FitResult fit(T& task, const Source& source, const FitOptions& options, Hooks&&... hooks) {
  return detail::Loop<T, Source, std::remove_reference_t<Hooks>...>(task, source, options, hooks...).run();
}

}  // namespace mgca

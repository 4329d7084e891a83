// The loop: batches in, optimiser steps out, checkpoints along the way; stopped at any moment it goes on bit for bit.
#pragma once

#include <mgca/core/config.hpp>
#include <mgca/core/event.hpp>
#include <mgca/tensor/precision.hpp>
#include <mgca/train/buffers.hpp>
#include <mgca/train/checkpoint.hpp>
#include <mgca/train/detail/hook_list.hpp>
#include <mgca/train/detail/state.hpp>
#include <mgca/train/fit_options.hpp>
#include <mgca/train/meter.hpp>
#include <mgca/train/optimizer.hpp>
#include <mgca/train/run_lock.hpp>
#include <mgca/train/schedule.hpp>
#include <mgca/train/task.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

namespace detail {

template <class T, class Source, class... Hooks>
class Loop {
 public:
  Loop(T& task, const Source& source, const FitOptions& options, Hooks&... hooks)
      : task_(task), source_(source), options_((options.validate(), options)), hooks_(hooks...), optimizer_(task.module(), options.optimizer, options.precision),
        buffers_(task.module()), device_(task.module().parameters().front().device()) {
    check_precision(options.precision, device_.type());
    at_.epochs = options.epochs;
    at_.batches_per_epoch = source.batches_per_epoch();
    at_.stop = options.run.stop;
    MGCA_CHECK(at_.batches_per_epoch > 0, "fit: the source has no batch; use a smaller batch size");
    at_.steps = options.epochs * steps_per_epoch();
    if (options.run.folder.empty()) return;
    auto& files = options.run.files ? *options.run.files : posix_files();
    checkpoints_.emplace(options.run.folder / "checkpoints", options.keep_checkpoints, files);
    if (options.run.lock == nullptr) lock_.emplace(options.run.folder);
    for (const auto& folder : {options.run.folder, options.run.folder / "checkpoints"}) remove_abandoned(files, folder);
  }

  FitResult run() {
    if (!resume()) torch::manual_seed(options_.seed);
    task_.module().train();
    while (!finished_ && at_.epoch < at_.epochs) {
      if (!run_epoch()) return {at_, FitEnd::interrupted};
    }
    const bool early = at_.epoch < at_.epochs;
    hooks_.each([&](auto& hook) { if constexpr (requires { hook.after_fit(at_); }) hook.after_fit(at_); });
    return {at_, early ? FitEnd::stopped_early : FitEnd::finished};
  }

 private:
  using Clock = std::chrono::steady_clock;
  enum class Failure : uint8_t { tolerated, thrown };

  [[nodiscard]] int64_t steps_per_epoch() const { return (at_.batches_per_epoch + options_.accumulation - 1) / options_.accumulation; }
  [[nodiscard]] bool stop_requested() const { return at_.stop != nullptr && at_.stop->load(); }

  // False if the run was asked to stop; a checkpoint is on disk then.
  bool run_epoch() {
    if (at_.batch == 0) hooks_.each([&](auto& hook) { if constexpr (requires { hook.before_epoch(at_); }) hook.before_epoch(at_); });
    const auto begin = Clock::now();
    waited_ = {};
    auto batches = source_.epoch_batches(at_.epoch, at_.batch);
    while (at_.batch < at_.batches_per_epoch) {
      step(batches);
      hooks_.each([&](auto& hook) { if constexpr (requires { hook.after_step(at_); }) hook.after_step(at_); });
      if (at_.step % options_.report_every == 0) report();
      if (at_.batch == at_.batches_per_epoch) break;
      const bool stop = stop_requested();
      if (stop || at_.step % options_.checkpoint_every == 0) save(stop ? Failure::thrown : Failure::tolerated);
      if (stop) return false;
    }
    return end_epoch(Clock::now() - begin);
  }

  // One optimiser step over up to `accumulation` batches.
  template <class Batches>
  void step(Batches& batches) {
    const auto group = std::min(options_.accumulation, at_.batches_per_epoch - at_.batch);
    at_.learning_rate = learning_rate(options_.schedule, at_.step, at_.steps);
    optimizer_.zero_grad();
    buffers_.remember();
    for (int64_t i = 0; i < group; ++i) {
      const auto begin = Clock::now();
      auto batch = batches.next();
      waited_ += Clock::now() - begin;
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
    buffers_.restore_where(optimizer_.skipped_now());
    ++at_.step;
  }

  // The one read of a report: means, and skipped steps, which are told and beyond patience end the run.
  Values read() {
    auto reading = meter_.read(optimizer_.skipped());
    const auto in_all = static_cast<int64_t>(reading.also[0]), in_a_row = static_cast<int64_t>(reading.also[1]), last = static_cast<int64_t>(reading.also[2]);
    if (in_all == std::exchange(known_skips_, in_all)) return std::move(reading.means);
    const auto epoch = (last - 1) / steps_per_epoch(), first = (last - 1) % steps_per_epoch() * options_.accumulation;
    const auto end = std::min(first + options_.accumulation, at_.batches_per_epoch);
    std::string rows;  // of the last skipped step, where the source can name them
    if constexpr (requires { source_.rows(epoch, first); }) {
      for (auto batch = first; batch < end; ++batch) {
        for (const auto row : source_.rows(epoch, batch)) rows += (rows.empty() ? "" : " ") + std::to_string(row);
      }
    }
    emit(options_.run.sink, "skipped_steps", {{"step", last}, {"epoch", epoch}, {"batch", first}, {"in_all", in_all}, {"in_a_row", in_a_row}, {"rows", rows}});
    if (in_a_row >= options_.patience_non_finite) {
      fail(ErrorKind::data, "fit: the gradients of the last ", in_a_row, " steps, up to step ", last, " in epoch ", epoch, ", batch ", first,
           rows.empty() ? "" : " (rows " + rows + ")",
           ", are not finite and were skipped; lower the learning rate or check these data. The last checkpoint is whole");
    }
    return std::move(reading.means);
  }

  void report() {
    const auto values = read();
    hooks_.each([&](auto& hook) { if constexpr (requires { hook.on_report(at_, values); }) hook.on_report(at_, values); });
    emit(options_.run.sink, "step", {{"epoch", at_.epoch}, {"step", at_.step}, {"steps", at_.steps}, {"batch", at_.batch},
                                     {"batches", at_.batches_per_epoch}, {"learning_rate", at_.learning_rate}, {"loss", values.at("loss")}});
  }

  // False if the run was asked to stop before the hooks were done; a resumed run repeats them.
  bool end_epoch(Clock::duration trained) {
    auto values = read();
    save(stop_requested() ? Failure::thrown : Failure::tolerated);  // validation can take long
    bool interrupted = stop_requested();
    hooks_.each([&](auto& hook) {
      if (interrupted) return;
      if constexpr (requires { { hook.after_epoch(at_, values) } -> std::same_as<Stop>; }) {
        const auto stop = hook.after_epoch(at_, values);
        interrupted = stop == Stop::interrupted;
        finished_ = finished_ || stop == Stop::yes;
      } else if constexpr (requires { hook.after_epoch(at_, values); }) {
        hook.after_epoch(at_, values);
      }
    });
    if (interrupted) return false;
    const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
    std::vector<Field> fields{{"epoch", at_.epoch}, {"epochs", at_.epochs}, {"step", at_.step},
                              {"training_seconds", seconds(trained)}, {"loader_seconds", seconds(waited_)}};  // the second is part of the first
    for (const auto& [name, value] : values) fields.push_back({name, value});
    if (options_.run.sink) options_.run.sink("epoch", fields);
    ++at_.epoch;
    at_.batch = 0;
    meter_.reset();
    const bool last = finished_ || at_.epoch == at_.epochs;
    save(last || stop_requested() ? Failure::thrown : Failure::tolerated);
    task_.module().train();
    return last || !stop_requested();
  }

  [[nodiscard]] RunRecord record() {
    RunRecord record{.epoch = at_.epoch, .batch = at_.batch, .step = at_.step, .identity = options_.run.identity,
                     .options = deciding_options(options_), .hooks = hooks_.records(), .threads = at::get_num_threads(), .device = c10::DeviceTypeName(device_.type(), /*lower_case=*/true), .finished = finished_};
    record.options["batches_per_epoch"] = std::to_string(at_.batches_per_epoch);
    return record;
  }

  // A failure is tolerated where the run goes on: the previous generation is whole. Not for ever.
  void save(Failure failure) {
    if (!checkpoints_) return;
    try {
      require_finite(task_.module());
      Checkpoint checkpoint{.record = record(), .parts = {{"model", state_dict(task_.module())}, {"optimizer", optimizer_.state()},
                                                          {"meter", meter_.state()}, {"random", random_state_of(device_)}}};
      hooks_.add_tensors(checkpoint.parts);
      checkpoints_->save(checkpoint);
      failed_saves_ = 0;
      emit(options_.run.sink, "checkpoint", {{"epoch", at_.epoch}, {"step", at_.step}});
    } catch (const Error& error) {
      emit(options_.run.sink, "checkpoint_failed", {{"step", at_.step}, {"reason", std::string(error.what())}});
      if (++failed_saves_ >= 3 || failure == Failure::thrown) throw;
    }
  }

  // Takes up the newest checkpoint. Throws Error(config) where it belongs to another run, listing both values.
  bool resume() {
    if (!checkpoints_) return false;
    const auto found = checkpoints_->newest(options_.run.sink);
    if (!found) return false;
    const auto& saved = found->record;
    const auto now = record();
    require_same_run(saved, now, options_.run.folder.string());
    report_changes(saved, now, options_.run.sink);
    load_state_dict(task_.module(), found->part("model"));
    optimizer_.load_state(found->part("optimizer"));
    meter_.load_state(found->part("meter"), device_);
    restore_random_state(found->part("random"), device_);
    at_.epoch = saved.epoch;
    at_.batch = saved.batch;
    at_.step = saved.step;
    if (at_.step > 0) at_.learning_rate = learning_rate(options_.schedule, at_.step - 1, at_.steps);
    finished_ = saved.finished;
    known_skips_ = static_cast<int64_t>(host_values(optimizer_.skipped())[0]);
    hooks_.restore(saved.hooks);
    hooks_.restore_tensors(found->parts);
    hooks_.each([&](auto& hook) { if constexpr (requires { hook.resumed(at_); }) hook.resumed(at_); });
    emit(options_.run.sink, "resumed", {{"epoch", at_.epoch}, {"batch", at_.batch}, {"step", at_.step}});
    return true;
  }

  T& task_;
  const Source& source_;
  FitOptions options_;
  HookList<Hooks...> hooks_;
  AdamW optimizer_;
  Buffers buffers_;
  torch::Device device_;
  Meter meter_{NonFinite::left_out};
  Progress at_;
  Clock::duration waited_{};  // for batches, in this epoch
  std::optional<CheckpointFolder> checkpoints_;
  std::optional<RunLock> lock_;
  int64_t known_skips_ = 0;
  int64_t failed_saves_ = 0;
  bool finished_ = false;
};

}  // namespace detail

// Trains until the epochs are over, a hook stops it, or options.run.stop turns true. With a run folder it continues where
// an earlier call left off; without one a stopped run is lost. Seeds torch's global generator (dropout) unless it resumes.
template <class T, class Source, class... Hooks>
FitResult fit(T& task, const Source& source, const FitOptions& options, Hooks&&... hooks) {
  static_assert(detail::require_source<Source>());
  static_assert(detail::require_task<T, typename Source::Batch>());
  static_assert((detail::require_hook<std::remove_reference_t<Hooks>>() && ...));
  return detail::Loop<T, Source, std::remove_reference_t<Hooks>...>(task, source, options, hooks...).run();
}

}  // namespace mgca

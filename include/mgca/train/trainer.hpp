// The loop: batches in, optimiser steps out, checkpoints along the way; stopped at any moment it goes on bit for bit.
#pragma once

#include <mgca/core/event.hpp>
#include <mgca/core/random.hpp>
#include <mgca/nn/batch_norm.hpp>  // average_running_statistics
#include <mgca/tensor/precision.hpp>
#include <mgca/train/agreement.hpp>
#include <mgca/train/buffers.hpp>
#include <mgca/train/detail/run_state.hpp>
#include <mgca/train/fit_options.hpp>
#include <mgca/train/gradient_average.hpp>
#include <mgca/train/meter.hpp>
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
      : task_(task), source_(source), state_(task.module(), (options.validate(), options), hooks...), buffers_(task.module()) {
    check_precision(options.precision, state_.device.type());
    at_.epochs = options.epochs;
    at_.batches_per_epoch = source.batches_per_epoch();
    MGCA_CHECK(at_.batches_per_epoch > 0, "fit: the source has no batch; use a smaller batch size");
    at_.steps = options.epochs * steps_per_epoch();
    if (ranks_ == nullptr) return;
    gradients_.emplace(task.module(), *ranks_, options.gradients);
    not_finite_ = torch::zeros({ranks_->size()}, torch::dtype(torch::kFloat64).device(state_.device));
    known_not_finite_.resize(static_cast<std::size_t>(ranks_->size()));
  }

  FitResult run() {
    state_.begin();
    task_.module().train();
    while (!state_.finished && at_.epoch < at_.epochs) {
      if (!run_epoch()) return {at_, FitEnd::interrupted};
    }
    const bool early = at_.epoch < at_.epochs;
    hooks_.each([&](auto& hook) { if constexpr (requires { hook.after_fit(at_); }) hook.after_fit(at_); });
    return {at_, early ? FitEnd::stopped_early : FitEnd::finished};
  }

 private:
  using Clock = std::chrono::steady_clock;
  using State = RunState<Hooks...>;
  using Failure = typename State::Failure;

  [[nodiscard]] int64_t steps_per_epoch() const { return (at_.batches_per_epoch + options_.accumulation - 1) / options_.accumulation; }

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
      const bool stop = state_.stop_requested();
      if (stop || at_.step % options_.checkpoint_every == 0) state_.save(stop ? Failure::thrown : Failure::tolerated);
      if (stop) return false;
    }
    return end_epoch(Clock::now() - begin);
  }

  // One optimiser step over up to `accumulation` batches.
  template <class Batches>
  void step(Batches& batches) {
    const auto group = std::min(options_.accumulation, at_.batches_per_epoch - at_.batch);
    at_.learning_rate = learning_rate(options_.schedule, at_.step, at_.steps);
    state_.optimizer.zero_grad();
    buffers_.remember();
    if (ranks_ != nullptr) seed_dropout();
    for (int64_t i = 0; i < group; ++i) {
      const auto batch = next(batches, i);
      StepResult result;
      {
        const AutocastScope scope(options_.precision, state_.device.type());
        result = task_.training_step(*batch);
      }
      if (gradients_) gradients_->expect(i + 1 < group ? GradientAverage::Pass::more : GradientAverage::Pass::last);
      state_.optimizer.scaled(group == 1 ? result.loss : result.loss / static_cast<double>(group)).backward();
      state_.meter.add(result);
      if (ranks_ != nullptr) not_finite_.select(0, ranks_->rank()).add_(result.loss.detach().isfinite().logical_not());
      ++at_.batch;
    }
    if (gradients_) gradients_->finish();
    if constexpr (requires { task_.after_backward(at_.epoch); }) task_.after_backward(at_.epoch);
    state_.optimizer.step(at_.learning_rate);
    buffers_.restore_where(state_.optimizer.skipped_now());
    if (ranks_ != nullptr) (void)nn::average_running_statistics(task_.module(), &ranks_->data);
    ++at_.step;
  }

  // A batch on every rank, or an error on all of them; then what was trained is saved, unless the step has begun. Ranks learn here, too,
  // whether one of them was asked to stop: all do so after this step.
  template <class Batches>
  [[nodiscard]] auto next(Batches& batches, int64_t of_step) {
    decltype(batches.next()) batch;
    const auto begin = Clock::now();
    try {
      const bool stop = on_all_or_none(ranks_, {.step = at_.step, .stop = state_.own_stop()}, [&] {
        batch = batches.next();
        if (!batch) fail(ErrorKind::data, "fit: the source promised ", at_.batches_per_epoch, " batches in epoch ", at_.epoch, " and gave ", at_.batch);
      });
      state_.stop = state_.stop || stop;
    } catch (const OutOfStep&) {
      throw;
    } catch (const std::exception&) {
      if (ranks_ != nullptr && of_step == 0) state_.save(Failure::tolerated);
      throw;
    }
    waited_ += Clock::now() - begin;
    return batch;
  }

  // What dropout draws on a rank is a function of seed, step and rank, so no generator but rank 0's needs to be saved.
  void seed_dropout() const {
    RandomStream draws({.seed = options_.seed, .epoch = static_cast<uint64_t>(at_.step), .sample = static_cast<uint64_t>(ranks_->rank())}, Use::dropout);
    const uint64_t high = draws();
    torch::manual_seed(high << 32 | draws());
  }

  // The one read of a report: means, and skipped steps, which are told and beyond patience end the run.
  Values read() {
    auto also = state_.optimizer.skipped();
    if (ranks_ != nullptr) {
      const auto not_finite = not_finite_.clone();
      ranks_->data.sum(not_finite);
      also = torch::cat({also.to(not_finite.dtype()), not_finite});
    }
    auto reading = state_.meter.joined(ranks_, state_.device).read(also);
    const auto in_all = static_cast<int64_t>(reading.also[0]), in_a_row = static_cast<int64_t>(reading.also[1]), last = static_cast<int64_t>(reading.also[2]);
    std::string who;  // of the ranks, where there are some: whose loss was not finite since the last reading
    for (std::size_t rank = 0; rank < known_not_finite_.size(); ++rank) {
      if (std::exchange(known_not_finite_[rank], reading.also[3 + rank]) != reading.also[3 + rank]) who += (who.empty() ? "" : " ") + std::to_string(rank);
    }
    if (in_all != std::exchange(state_.known_skips, in_all)) tell_skips(in_all, in_a_row, last, who);
    return std::move(reading.means);
  }

  void tell_skips(int64_t in_all, int64_t in_a_row, int64_t last, const std::string& who) {
    const auto epoch = (last - 1) / steps_per_epoch(), first = (last - 1) % steps_per_epoch() * options_.accumulation;
    const auto end = std::min(first + options_.accumulation, at_.batches_per_epoch);
    std::string rows;  // of the last skipped step, where the source can name them
    if constexpr (requires { source_.rows(epoch, first); }) {
      for (auto batch = first; batch < end; ++batch) {
        for (const auto row : source_.rows(epoch, batch)) rows += (rows.empty() ? "" : " ") + std::to_string(row);
      }
    }
    std::vector<Field> fields{{"step", last}, {"epoch", epoch}, {"batch", first}, {"in_all", in_all}, {"in_a_row", in_a_row}, {"rows", rows}};
    if (ranks_ != nullptr) fields.push_back({"ranks", who});
    if (options_.run.sink) options_.run.sink("skipped_steps", fields);
    if (in_a_row >= options_.patience_non_finite) {
      fail(ErrorKind::data, "fit: the gradients of the last ", in_a_row, " steps, up to step ", last, " in epoch ", epoch, ", batch ", first,
           rows.empty() ? "" : " (rows " + rows + ")", who.empty() ? "" : ", on rank " + who,
           ", are not finite and were skipped; lower the learning rate or check these data. The last checkpoint is whole");
    }
  }

  void report() {
    const auto values = read();
    hooks_.each([&](auto& hook) { if constexpr (requires { hook.on_report(at_, values); }) hook.on_report(at_, values); });
    emit(options_.run.sink, "step", {{"epoch", at_.epoch}, {"step", at_.step}, {"steps", at_.steps}, {"batch", at_.batch},
                                     {"batches", at_.batches_per_epoch}, {"learning_rate", at_.learning_rate}, {"loss", values.at("loss")}});
  }

  // False if the run was asked to stop before the hooks were done; a resumed run repeats them. What a hook asks for on one rank, all do.
  bool end_epoch(Clock::duration trained) {
    auto values = read();
    if (ranks_ != nullptr) require_same_parameters(task_.module(), *ranks_, "after epoch " + std::to_string(at_.epoch));
    state_.save(state_.stop_requested() ? Failure::thrown : Failure::tolerated);  // validation can take long
    bool interrupted = state_.stop_requested();
    hooks_.each([&](auto& hook) {
      if (interrupted) return;
      if constexpr (requires { { hook.after_epoch(at_, values) } -> std::same_as<Stop>; }) {
        const auto stop = hook.after_epoch(at_, values);
        interrupted = any_rank(ranks_, stop == Stop::interrupted);
        state_.finished = any_rank(ranks_, stop == Stop::yes) || state_.finished;
      } else if constexpr (requires { hook.after_epoch(at_, values); }) {
        hook.after_epoch(at_, values);
      }
    });
    if (interrupted) return false;
    if (ranks_ != nullptr) copy_state(task_.module(), *ranks_);  // each evaluated other batches, which some models remember
    const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
    std::vector<Field> fields{{"epoch", at_.epoch}, {"epochs", at_.epochs}, {"step", at_.step},
                              {"training_seconds", seconds(trained)}, {"loader_seconds", seconds(waited_)}};  // the second is part of the first
    for (const auto& [name, value] : values) fields.push_back({name, value});
    if (options_.run.sink) options_.run.sink("epoch", fields);
    ++at_.epoch;
    at_.batch = 0;
    state_.meter.reset();
    state_.stop = any_rank(ranks_, state_.own_stop());
    const bool stop = state_.stop_requested(), last = state_.finished || at_.epoch == at_.epochs;
    state_.save(last || stop ? Failure::thrown : Failure::tolerated);
    task_.module().train();
    return last || !stop;
  }

  T& task_;
  const Source& source_;
  State state_;
  const FitOptions& options_ = state_.options;
  HookList<Hooks...>& hooks_ = state_.hooks;
  Progress& at_ = state_.at;
  Ranks* const ranks_ = state_.ranks;
  Buffers buffers_;
  std::optional<GradientAverage> gradients_;
  Tensor not_finite_;                     // (ranks) on the device: losses without a number, each rank's in its own place
  std::vector<double> known_not_finite_;  // of all ranks, at the last reading
  Clock::duration waited_{};              // for batches, in this epoch
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

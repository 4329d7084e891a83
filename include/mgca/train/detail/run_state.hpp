// What a run is made of, and how it is saved and taken up again, by one process or by ranks together.
#pragma once

#include <mgca/core/config.hpp>
#include <mgca/core/event.hpp>
#include <mgca/train/checkpoint.hpp>
#include <mgca/train/detail/hook_list.hpp>
#include <mgca/train/detail/state.hpp>
#include <mgca/train/fit_options.hpp>
#include <mgca/train/meter.hpp>
#include <mgca/train/optimizer.hpp>
#include <mgca/train/run_lock.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace mgca::detail {

template <class... Hooks>
class RunState {
 public:
  enum class Failure : uint8_t { tolerated, thrown };

  torch::nn::Module& module;
  FitOptions options;
  Ranks* ranks;
  HookList<Hooks...> hooks;
  AdamW optimizer;
  torch::Device device;
  Meter meter{NonFinite::left_out};  // of this rank's batches
  Progress at;
  int64_t known_skips = 0;
  bool finished = false;
  bool stop = false;  // ranks only: asked for at one of them, and known to all

  RunState(torch::nn::Module& given, const FitOptions& how, Hooks&... hook)
      : module(given), options(how), ranks(how.run.ranks), hooks(hook...), optimizer(given, how.optimizer, how.precision), device(given.parameters().front().device()) {
    at.stop = options.run.stop;
    at.ranks = ranks;
    if (!at.writes()) options.run.sink = {};
  }

  [[nodiscard]] bool own_stop() const { return at.stop != nullptr && at.stop->load(); }
  [[nodiscard]] bool stop_requested() const { return ranks != nullptr ? stop : own_stop(); }

  // Takes up the newest checkpoint or begins anew; then all ranks stand at one place with the same numbers. Throws Error(config) where
  // ranks differ in what they must share, or the checkpoint belongs to another run, with both values.
  void begin() {
    if (ranks != nullptr) require_agreement(*ranks, shared_by_ranks());
    if (!resume()) torch::manual_seed(options.seed);
    if (ranks != nullptr) copy_state(module, *ranks);
  }

  // A failure is tolerated where the run goes on: the previous generation is whole. Not for ever. Ranks call it at once, and one of them writes.
  void save(Failure failure) {
    if (options.run.folder.empty()) return;
    const auto all = meter.joined(ranks, device);
    (void)on_all_or_none(ranks, {.step = at.step}, [&] {
      if (at.writes()) write(failure, all);
    });
  }

 private:
  [[nodiscard]] RunRecord record() {
    RunRecord record{.epoch = at.epoch, .batch = at.batch, .step = at.step, .identity = options.run.identity,
                     .options = deciding_options(options), .hooks = hooks.records(), .threads = at::get_num_threads(),
                     .device = c10::DeviceTypeName(device.type(), /*lower_case=*/true), .ranks = ranks != nullptr ? ranks->size() : 1, .finished = finished};
    record.options["batches_per_epoch"] = std::to_string(at.batches_per_epoch);
    return record;
  }

  [[nodiscard]] std::map<std::string, std::string> shared_by_ranks() {
    const auto now = record();
    auto all = now.identity;
    for (const auto& row : option_table(options)) all["fit." + row.path] = row.value;
    all["batches per epoch"] = std::to_string(at.batches_per_epoch);
    all["library"] = now.library;
    all["run folder"] = options.run.folder.empty() ? "none" : "given";
    all["hooks"] = "";
    for (const auto& [name, unused] : now.hooks) all["hooks"] += name + " ";
    Sha256 hash;
    for (const auto& [name, value] : state_dict(module)) hash.update(join(name, value.sizes(), value.dtype(), value.requires_grad(), "\n"));
    all["names and shapes of parameters and buffers"] = hash.hex_digest();
    return all;
  }

  void write(Failure failure, const Meter& all) {
    try {
      require_finite(module);
      Checkpoint checkpoint{.record = record(), .parts = {{"model", state_dict(module)}, {"optimizer", optimizer.state()},
                                                          {"meter", all.state()}, {"random", random_state_of(device)}}};
      hooks.add_tensors(checkpoint.parts);
      checkpoints_->save(checkpoint);
      failed_saves_ = 0;
      emit(options.run.sink, "checkpoint", {{"epoch", at.epoch}, {"step", at.step}});
    } catch (const Error& error) {
      emit(options.run.sink, "checkpoint_failed", {{"step", at.step}, {"reason", std::string(error.what())}});
      if (++failed_saves_ >= 3 || failure == Failure::thrown) throw;
    }
  }

  // The newest checkpoint; one rank reads it, so the others need not see its file system.
  [[nodiscard]] std::optional<Checkpoint> newest() {
    std::optional<Checkpoint> found;
    (void)on_all_or_none(ranks, {}, [&] {
      if (!at.writes()) return;
      const auto& run = options.run;
      auto& files = run.files ? *run.files : posix_files();
      checkpoints_.emplace(run.folder / "checkpoints", options.keep_checkpoints, files);
      if (run.lock == nullptr) lock_.emplace(run.folder);
      for (const auto& folder : {run.folder, run.folder / "checkpoints"}) remove_abandoned(files, folder);
      found = checkpoints_->newest(run.sink);
    });
    if (ranks == nullptr) return found;
    auto bytes = copy_bytes(ranks->control, found ? serialize_checkpoint(*found) : std::vector<std::byte>());
    if (!at.writes() && !bytes.empty()) found = parse_checkpoint(std::move(bytes), "rank 0's checkpoint");
    return found;
  }

  bool resume() {
    if (options.run.folder.empty()) return false;
    const auto found = newest();
    if (!found) return false;
    const auto& saved = found->record;
    const auto now = record();
    require_same_run(saved, now, options.run.folder.string());
    report_changes(saved, now, options.run.sink);
    load_state_dict(module, found->part("model"));
    optimizer.load_state(found->part("optimizer"));
    if (at.writes()) meter.load_state(found->part("meter"), device);  // the sums of all ranks
    restore_random_state(found->part("random"), device);
    at.epoch = saved.epoch;
    at.batch = saved.batch;
    at.step = saved.step;
    if (at.step > 0) at.learning_rate = learning_rate(options.schedule, at.step - 1, at.steps);
    finished = saved.finished;
    known_skips = static_cast<int64_t>(host_values(optimizer.skipped())[0]);
    hooks.restore(saved.hooks);
    hooks.restore_tensors(found->parts);
    hooks.each([&](auto& hook) { if constexpr (requires { hook.resumed(at); }) hook.resumed(at); });
    emit(options.run.sink, "resumed", {{"epoch", at.epoch}, {"batch", at.batch}, {"step", at.step}});
    return true;
  }

  std::optional<CheckpointFolder> checkpoints_;
  std::optional<RunLock> lock_;
  int64_t failed_saves_ = 0;
};

}  // namespace mgca::detail

// A small run with everything that makes resuming hard: dropout, batch norm, shuffling, accumulation, hooks with state.
#pragma once

#include <mgca/feed/loader.hpp>
#include <mgca/tensor/weights_file.hpp>
#include <mgca/train.hpp>

#include <atomic>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <string_view>

namespace mgca::test {

struct ToyBatch {
  Tensor x, y;
};

struct ToyData {
  using Batch = ToyBatch;
  int64_t count = 44;
  int64_t broken_epoch = -1;  // in it record 7 holds an infinite value
  [[nodiscard]] int64_t size() const { return count; }
  [[nodiscard]] Batch batch(std::span<const int64_t> records, RandomKey key) const {
    std::vector<float> x, y;
    for (const auto record : records) {
      key.sample = static_cast<uint64_t>(record);
      RandomStream noise(key, Use::test);
      RandomStream fixed({.sample = key.sample}, Use::test);
      float sum = 0;
      for (int i = 0; i < 4; ++i) {
        const auto value = static_cast<float>(fixed.normal());
        sum += value;
        x.push_back(value + 0.1F * static_cast<float>(noise.normal()));
      }
      if (record == 7 && static_cast<int64_t>(key.epoch) == broken_epoch) x.back() = std::numeric_limits<float>::infinity();
      y.push_back(sum);
    }
    const auto n = static_cast<int64_t>(records.size());
    return {torch::tensor(x).view({n, 4}), torch::tensor(y).view({n, 1})};
  }
};

struct ToyNet : torch::nn::Module {
  ToyNet()
      : first(register_module("first", torch::nn::Linear(4, 16))), norm(register_module("norm", torch::nn::BatchNorm1d(16))),
        last(register_module("last", torch::nn::Linear(16, 1))) {}
  Tensor forward(const Tensor& x) { return last(torch::dropout(torch::relu(norm(first(x))), 0.2, is_training())); }
  torch::nn::Linear first;
  torch::nn::BatchNorm1d norm;
  torch::nn::Linear last;
};

// Something to do at the n-th passing of a place: how a run is ended at every point it can be ended at.
struct Trap {
  std::string_view place;  // "batch", "step", "validation", "hook"; empty: any
  int64_t nth = -1;        // counted from 1
  std::function<void()> spring;
  int64_t passed = 0;

  void pass(std::string_view where) {
    if (place.empty() || place == where) {
      if (++passed == nth) spring();
    }
  }
};

struct ToyTask {
  Trap* trap = nullptr;
  std::shared_ptr<ToyNet> net = make();
  static std::shared_ptr<ToyNet> make() {
    torch::manual_seed(11);
    return std::make_shared<ToyNet>();
  }
  torch::nn::Module& module() { return *net; }
  StepResult training_step(const ToyBatch& batch) {
    if (trap != nullptr) trap->pass("batch");
    return loss_of(batch);
  }
  StepResult evaluation_step(const ToyBatch& batch) {
    if (trap != nullptr) trap->pass("validation");
    return loss_of(batch);
  }

 private:
  StepResult loss_of(const ToyBatch& batch) {
    const auto device = net->first->weight.device();
    const auto loss = torch::mse_loss(net->forward(batch.x.to(device)), batch.y.to(device));
    return {.loss = loss, .metrics = {{"error", loss.detach().sqrt()}}, .samples = batch.x.size(0)};
  }
};

struct TrapStep {
  Trap* trap;
  void after_step(const Progress& /*at*/) { trap->pass("step"); }
};
// Stands between the hooks of an epoch's end.
struct TrapHook {
  Trap* trap;
  void after_epoch(const Progress& /*at*/, Values& /*values*/) { trap->pass("hook"); }
};

// Asks the run to stop right after one step.
struct StopAt {
  std::atomic<bool>* stop;
  int64_t step;
  void after_step(const Progress& at) {
    if (at.step == step) *stop = true;
  }
};

struct ToyRun {
  std::filesystem::path folder;
  FitOptions options;
  std::shared_ptr<std::atomic<bool>> stop = std::make_shared<std::atomic<bool>>(false);
  int64_t stop_at = -1;  // optimiser step after which to stop; -1: never
  int64_t loader_threads = 1;
  int64_t broken_epoch = -1;
  EarlyStopOptions early{.patience = 50};  // what is watched is what is kept as the best
  std::shared_ptr<Trap> trap = std::make_shared<Trap>();
  std::function<void(ToyTask&)> with_task = [](ToyTask&) {};  // called before training

  explicit ToyRun(std::filesystem::path where) : folder(std::move(where)) {
    options.epochs = 4;
    options.schedule = {.rate = 5e-3, .minimum = 1e-5};
    options.accumulation = 2;
    options.report_every = 2;
    options.checkpoint_every = 1;
    options.run.folder = folder;
    options.run.identity = {{"config", "toy"}};
    options.run.stop = stop.get();
  }

  // Trains to the end, or until stopped; writes final.safetensors at the end.
  FitResult operator()() const {
    const ToyData data{.broken_epoch = broken_epoch}, clean;
    const Loader<ToyData> batches(data, {.batch_size = 8, .last_batch = LastBatch::keep, .threads = loader_threads, .seed = 3});
    const Loader<ToyData> held_out(clean, {.batch_size = 16, .order = Order::as_stored, .last_batch = LastBatch::keep, .threads = 0});
    ToyTask task{.trap = trap.get()};
    with_task(task);
    History history(folder.empty() ? std::filesystem::path() : folder / "history.csv");
    *stop = false;
    const auto result = fit(task, batches, options, StopAt{stop.get(), stop_at}, TrapStep{trap.get()}, Validate(task, held_out), TrapHook{trap.get()}, EarlyStop(early), history,
                            TrapHook{trap.get()}, KeepBest(task.module(), {.path = folder / "best.safetensors", .monitor = early.monitor, .better = early.better}),
                            TrapHook{trap.get()});
    if (result.end != FitEnd::interrupted) write_weights(folder / "final.safetensors", {state_dict(task.module()), {}});
    return result;
  }
};

// Everything a run leaves that must be equal after any interruption: weights, best weights, history.
inline std::vector<std::string> outcome(const std::filesystem::path& folder) {
  return {read_text_file(folder / "final.safetensors"), read_text_file(folder / "best.safetensors"), read_text_file(folder / "history.csv")};
}

}  // namespace mgca::test

// A small run with everything that makes resuming hard: dropout, batch norm, shuffling, accumulation, hooks with state.
#pragma once

#include <mgca/feed/loader.hpp>
#include <mgca/tensor/weights_file.hpp>
#include <mgca/train.hpp>

#include <atomic>
#include <filesystem>
#include <memory>

namespace mgca::test {

struct ToyBatch {
  Tensor x, y;
};

struct ToyData {
  using Batch = ToyBatch;
  int64_t count = 44;
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

struct ToyTask {
  std::shared_ptr<ToyNet> net = make();
  static std::shared_ptr<ToyNet> make() {
    torch::manual_seed(11);
    return std::make_shared<ToyNet>();
  }
  torch::nn::Module& module() { return *net; }
  StepResult training_step(const ToyBatch& batch) {
    const auto loss = torch::mse_loss(net->forward(batch.x), batch.y);
    return {.loss = loss, .metrics = {{"error", loss.detach().sqrt()}}, .samples = batch.x.size(0)};
  }
  StepResult evaluation_step(const ToyBatch& batch) { return training_step(batch); }
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
    const ToyData data;
    const Loader<ToyData> batches(data, {.batch_size = 8, .last_batch = LastBatch::keep, .threads = 1, .seed = 3});
    const Loader<ToyData> held_out(data, {.batch_size = 16, .order = Order::as_stored, .last_batch = LastBatch::keep, .threads = 0});
    ToyTask task;
    History history(folder.empty() ? std::filesystem::path() : folder / "history.csv");
    *stop = false;
    const auto result = fit(task, batches, options, StopAt{stop.get(), stop_at}, Validate(task, held_out), EarlyStop({.patience = 50}), history,
                            KeepBest(task.module(), {.path = folder / "best.safetensors"}));
    if (result.end != FitEnd::interrupted) write_weights(folder / "final.safetensors", {state_dict(task.module()), {}});
    return result;
  }
};

}  // namespace mgca::test

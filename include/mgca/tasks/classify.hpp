// The linear probe: frozen image features, computed once, and a linear classifier on top.
// Reference: MGCA, section 4.1; AdamW at a constant rate, the best epoch by validation loss.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/feed/loader.hpp>
#include <mgca/feed/study_source.hpp>
#include <mgca/heads/linear_probe.hpp>
#include <mgca/tasks/scores.hpp>
#include <mgca/tensor/bridge.hpp>
#include <mgca/train/evaluate.hpp>
#include <mgca/train/hooks/early_stop.hpp>
#include <mgca/train/hooks/validate.hpp>
#include <mgca/train/trainer.hpp>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mgca {

// Features and labels of a split, on the CPU.
struct FeatureTable {
  struct Batch {
    Tensor features;  // (B, D)
    Tensor labels;    // (B, C)
  };
  Tensor features;  // (N, D)
  Tensor labels;    // (N, C): 1, 0, NaN unknown

  [[nodiscard]] int64_t size() const { return features.size(0); }
  [[nodiscard]] Batch batch(std::span<const int64_t> records, RandomKey /*key*/) const {
    const auto rows = tensor_of(records, {static_cast<int64_t>(records.size())});
    return {features.index_select(0, rows), labels.index_select(0, rows)};
  }
};

struct ProbeConfig {
  int64_t epochs = 50;
  int64_t batch_size = 48;
  double rate = 5e-4;
  double weight_decay = 1e-6;
  int64_t patience = 10;  // epochs without a better validation loss
  uint64_t seed = 42;

  static void describe(auto& self, auto&& field) {
    field("epochs", self.epochs, "passes over the features at most");
    field("batch_size", self.batch_size, "records per step");
    field("rate", self.rate, "constant learning rate");
    field("weight_decay", self.weight_decay, "decoupled decay");
    field("patience", self.patience, "epochs without a better validation loss");
    field("seed", self.seed, "of start weights and order");
  }
};

// Binary labels, several at once; unknown ones cost nothing.
class ProbeTask {
 public:
  explicit ProbeTask(LinearProbe probe) : probe_(std::move(probe)) {}
  [[nodiscard]] torch::nn::Module& module() { return *probe_; }
  StepResult training_step(const FeatureTable::Batch& batch) {
    const auto known = batch.labels.isfinite();
    const auto each = torch::binary_cross_entropy_with_logits(probe_(batch.features), torch::where(known, batch.labels, torch::zeros_like(batch.labels)),
                                                              {}, {}, at::Reduction::None);
    return {.loss = (each * known).sum() / known.sum().clamp_min(1), .metrics = {}, .samples = batch.features.size(0)};
  }
  StepResult evaluation_step(const FeatureTable::Batch& batch) { return training_step(batch); }

 private:
  LinearProbe probe_;
};

// Remembers the weights of the best epoch in memory.
class RememberBest {
 public:
  RememberBest(torch::nn::Module& module, std::string monitor) : module_(&module), monitor_(std::move(monitor)) {}
  void after_epoch(const Progress& /*at*/, Values& values) {
    const double value = monitored(values, monitor_);
    if (!improves(value, best_, Better::smaller)) return;
    best_ = value;
    weights_.clear();
    for (const auto& [name, tensor] : state_dict(*module_)) weights_.push_back({name, tensor.detach().clone()});
  }
  void after_fit(const Progress& /*at*/) {
    if (!weights_.empty()) load_state_dict(*module_, weights_);
  }

 private:
  torch::nn::Module* module_;
  std::string monitor_;
  std::optional<double> best_;
  StateDict weights_;
};

namespace tasks {

// The image tower's own features of a whole source, in evaluation mode and without gradient.
template <class Source>
[[nodiscard]] FeatureTable features(AlignmentModel& model, const Source& source, int64_t batch_size = 64) {
  const EvaluationScope evaluation(model);
  const auto device = model.parameters().front().device();
  const Loader<Source> loader(source, {.batch_size = batch_size, .order = Order::as_stored, .last_batch = LastBatch::keep});
  std::vector<Tensor> rows, labels;
  auto batches = loader.epoch_batches(0);
  while (auto batch = batches.next()) {
    rows.push_back(model.image_features(network_input(batch->images, device)).to(torch::kCPU, torch::kFloat32));
    labels.push_back(batch->labels);
  }
  return {.features = torch::cat(rows), .labels = torch::cat(labels)};
}

struct ProbeSplits {
  const FeatureTable& train;
  const FeatureTable& valid;
};

// Trains the classifier and returns it with the weights of its best epoch.
[[nodiscard]] inline LinearProbe train_probe(const ProbeSplits& splits, const ProbeConfig& config) {
  for (const auto* split : {&splits.train, &splits.valid}) {
    MGCA_CHECK(split->size() > 0 && split->labels.sizes() == at::IntArrayRef({split->size(), splits.train.labels.size(1)}), "classify: the ",
               split == &splits.train ? "training" : "validation", " split has features ", split->features.sizes(), " and labels ", split->labels.sizes(),
               "; expected at least one row, a row of labels for each, and the same classes in both splits");
  }
  torch::manual_seed(config.seed);
  LinearProbe probe({.features = splits.train.features.size(1), .classes = splits.train.labels.size(1)});
  ProbeTask task(probe);
  const Loader<FeatureTable> train(splits.train, {.batch_size = std::min(config.batch_size, splits.train.size()), .threads = 0, .seed = config.seed});
  const Loader<FeatureTable> valid(splits.valid, {.batch_size = 256, .order = Order::as_stored, .last_batch = LastBatch::keep, .threads = 0});
  FitOptions options;
  options.epochs = config.epochs;
  options.schedule = {.kind = ScheduleKind::constant, .rate = config.rate, .minimum = 0};
  options.optimizer.weight_decay = config.weight_decay;
  options.seed = config.seed;
  (void)fit(task, train, options, Validate(task, valid), RememberBest(*probe, "val_loss"), EarlyStop({.patience = config.patience}));
  probe->eval();
  return probe;
}

[[nodiscard]] inline Scores classify(LinearProbe probe, const FeatureTable& table) {
  const torch::NoGradGuard no_grad;
  return scores_of(probe(table.features), table.labels);
}

}  // namespace tasks
}  // namespace mgca

// Classification from an image tower: a linear probe on features computed once, a probe on augmented pictures, or all of it trained.
// Reference: MGCA, section 4.1; AdamW at a constant rate, the best epoch by validation loss, an encoder in evaluation mode while probed.
#pragma once

#include <mgca/heads/linear_probe.hpp>
#include <mgca/metrics/classification.hpp>
#include <mgca/ops/label_loss.hpp>
#include <mgca/tasks/feature_table.hpp>
#include <mgca/tasks/scores.hpp>
#include <mgca/tasks/train_head.hpp>
#include <mgca/tensor/collectives.hpp>
#include <mgca/train/evaluate.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

struct ClassifyConfig {
  int64_t epochs = 50;
  int64_t batch_size = 48;
  double rate = 5e-4;
  double weight_decay = 1e-6;
  int64_t patience = 10;  // epochs without a better validation loss
  uint64_t seed = 42;
  LabelKind labels = LabelKind::independent;
  int64_t hidden = 0;     // width of a hidden layer of the classifier; 0: it is linear
  int64_t threads = 1;    // that prepare pictures
  RunContext run;         // a folder for checkpoints, a stop, a sink; no part of the recipe

  static void describe(auto& self, auto&& field) {
    field("epochs", self.epochs, "passes over the training split at most");
    field("batch_size", self.batch_size, "records per step");
    field("rate", self.rate, "constant learning rate");
    field("weight_decay", self.weight_decay, "decoupled decay");
    field("patience", self.patience, "epochs without a better validation loss");
    field("seed", self.seed, "of start weights, order and augmentation");
    field("labels", self.labels, "independent findings or exclusive classes");
    field("hidden", self.hidden, "width of a hidden layer of the classifier; 0: none");
    field("threads", self.threads, "background threads that prepare pictures");
  }
};

enum class Trained : uint8_t { head, all };
constexpr auto names_of(Trained) { return std::to_array<std::string_view>({"head", "all"}); }

// Unknown labels cost nothing; an exclusive class is unknown where any label of its row is. (B, C), (B, C) -> scalar. With peers the mean of
// what all of them get is the loss of their joined batch.
[[nodiscard]] inline Tensor label_loss(const Tensor& logits, const Tensor& labels, LabelKind kind, ProcessGroup* peers = nullptr) {
  const auto known = labels.isfinite();
  const auto type = torch::promote_types(logits.scalar_type(), torch::kFloat32);
  if (kind == LabelKind::independent) return ops::label_loss(logits, labels, count_per_rank(known.sum().to(type), peers));
  const auto target = torch::where(known, labels, torch::zeros_like(labels));
  const auto rows = known.all(1);
  const auto each = -(torch::log_softmax(logits, 1) * target).sum(1);  // (B)
  return (each * rows).sum() / count_per_rank(rows.sum().to(type), peers);
}

class ClassifyTask {
 public:
  // On stored features.
  ClassifyTask(LinearProbe head, LabelKind kind) : head_(std::move(head)), kind_(kind) {}
  // On pictures. With Trained::head the tower stays in evaluation mode and gets no gradient.
  ClassifyTask(LinearProbe head, LabelKind kind, std::pair<FeatureTower, Trained> tower)
      : head_(std::move(head)), kind_(kind), tower_(std::move(tower.first)), trained_(tower.second) {
    head_->to(tower_.device());
    if (trained_ == Trained::head) tower_.module->eval();
    all_->register_module("tower", tower_.module);
    all_->register_module("head", head_.ptr());
  }

  // What is trained.
  [[nodiscard]] torch::nn::Module& module() { return trained_ == Trained::all ? *all_ : *head_; }
  // What decides the logits: the tower too, where there is one.
  [[nodiscard]] const torch::nn::Module& whole() const { return tower_.module ? *all_ : static_cast<const torch::nn::Module&>(*head_); }
  [[nodiscard]] LinearProbe head() const { return head_; }

  [[nodiscard]] Tensor logits(const FeatureTable::Batch& batch) { return head_(batch.features); }
  template <class Batch>
    requires requires(const Batch& batch) { batch.images; }
  [[nodiscard]] Tensor logits(const Batch& batch) {
    const auto images = network_input(batch.images, tower_.device());
    if (trained_ == Trained::all) return head_(tower_.features(images));
    Tensor features;
    {
      const torch::NoGradGuard no_grad;
      features = tower_.features(images);
    }
    return head_(features);
  }
  // Ranks that hold the other parts of each training batch from now on; nullptr: none. train_head calls it.
  void train_with(ProcessGroup* peers) { peers_ = peers; }
  template <class Batch>
  StepResult training_step(const Batch& batch) {
    return step(batch, peers_);
  }
  template <class Batch>
  StepResult evaluation_step(const Batch& batch) {
    return step(batch, nullptr);
  }

 private:
  template <class Batch>
  StepResult step(const Batch& batch, ProcessGroup* peers) {
    const auto out = logits(batch);
    return {.loss = label_loss(out, batch.labels.to(out.device(), /*non_blocking=*/true), kind_, peers), .metrics = {}, .samples = out.size(0)};
  }

  LinearProbe head_;
  LabelKind kind_;
  FeatureTower tower_;
  Trained trained_ = Trained::head;
  ProcessGroup* peers_ = nullptr;
  std::shared_ptr<torch::nn::Module> all_ = std::make_shared<torch::nn::Module>("Classifier");
};

// How training went.
struct ClassifyOutcome {
  int64_t epochs = 0;      // done
  int64_t best_epoch = 0;  // counted from 0
  double valid_loss = 0;   // of that epoch
  bool interrupted = false;

  static void describe(auto& self, auto&& field) {
    field("epochs", self.epochs, "epochs done");
    field("best_epoch", self.best_epoch, "the one whose weights were kept, counted from 0");
    field("valid_loss", self.valid_loss, "its validation loss");
    field("interrupted", self.interrupted, "whether training was stopped from outside");
  }
};

namespace tasks {

// As train_head says, by validation loss. More hooks are called last. Throws Error(data) where no epoch had a finite validation loss.
template <class Train, class Valid, class... Hooks>
ClassifyOutcome train_classifier(ClassifyTask& task, const TrainingSplits<Train, Valid>& splits, const ClassifyConfig& config, Hooks&&... hooks) {
  const auto done = train_head(task, splits, config, {.held_out_batch = 256}, std::forward<Hooks>(hooks)...);
  const bool interrupted = done.fit.end == FitEnd::interrupted;
  if (!done.best && !interrupted && config.epochs > 0) fail(ErrorKind::data, "classify: no epoch had a finite validation loss; lower the learning rate");
  return {.epochs = done.fit.progress.epoch, .best_epoch = done.best_epoch, .valid_loss = done.best.value_or(0), .interrupted = interrupted};
}

// A classifier with start weights drawn from the seed.
[[nodiscard]] inline LinearProbe new_head(int64_t width, int64_t classes, const ClassifyConfig& config) {
  torch::manual_seed(config.seed);
  return LinearProbe({.features = width, .classes = classes, .hidden = config.hidden});
}

struct ProbeSplits {
  const FeatureTable& train;
  const FeatureTable& valid;
};

// Trains a classifier on stored features and returns it with the weights of its best epoch.
[[nodiscard]] inline LinearProbe train_probe(const ProbeSplits& splits, ClassifyConfig config, ClassifyOutcome* outcome = nullptr) {
  for (const auto* split : {&splits.train, &splits.valid}) {
    MGCA_CHECK(split->size() > 0 && split->labels.sizes() == at::IntArrayRef({split->size(), splits.train.labels.size(1)}), "classify: the ",
               split == &splits.train ? "training" : "validation", " split has features ", split->features.sizes(), " and labels ", split->labels.sizes(),
               "; expected at least one row, a row of labels for each, and the same classes in both splits");
  }
  config.threads = 0;  // nothing is to be prepared
  ClassifyTask task(new_head(splits.train.features.size(1), splits.train.labels.size(1), config), config.labels);
  const auto found = train_classifier<FeatureTable, FeatureTable>(task, {splits.train, splits.valid}, config);
  if (outcome != nullptr) *outcome = found;
  return task.head();
}

[[nodiscard]] inline Scores classify(LinearProbe probe, const FeatureTable& table) {
  const torch::NoGradGuard no_grad;
  return scores_of(probe(table.features), table.labels);
}

// Logits of a whole split. Ranks share the work, and each gets all of it.
template <class Source>
[[nodiscard]] ScoredSplit score(ClassifyTask& task, const Source& source, int64_t batch_size = 64, Ranks* ranks = nullptr) {
  const EvaluationScope evaluation(task.module());
  auto table = detail::table_of(source, batch_size, ranks, [&](const auto& batch) { return task.logits(batch); });
  return {.scores = scores_of(table.features, table.labels), .records = std::move(table.records)};
}

}  // namespace tasks
}  // namespace mgca

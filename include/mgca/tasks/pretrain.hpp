// Alignment pretraining: any model behind the run-time interface, as a task the loop can run.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/feed/batch.hpp>
#include <mgca/train/task.hpp>

#include <memory>
#include <utility>

namespace mgca {

class PretrainTask {
 public:
  explicit PretrainTask(std::shared_ptr<AlignmentModel> model) : model_(std::move(model)) {}

  [[nodiscard]] torch::nn::Module& module() { return *model_; }
  [[nodiscard]] AlignmentModel& model() { return *model_; }

  // The weighted sum; each weighted term and the pairing accuracies are watched.
  StepResult training_step(const StudyBatch& batch) {
    const auto device = model_->parameters().front().device();
    const auto losses = model_->losses({.images = network_input(batch.images, device), .tokens = batch.tokens.to(device)});
    StepResult result{.loss = losses.total(), .metrics = losses.metrics, .samples = batch.size()};
    for (const auto& term : losses.terms) result.metrics.push_back({"loss_" + term.name, term.weighted().detach()});
    return result;
  }
  StepResult evaluation_step(const StudyBatch& batch) { return training_step(batch); }
  void after_backward(int64_t epoch) { model_->after_backward(epoch); }

 private:
  std::shared_ptr<AlignmentModel> model_;
};

}  // namespace mgca

// Alignment pretraining: any model behind the run-time interface, as a task the loop can run.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/feed/batch.hpp>
#include <mgca/tensor/process_group.hpp>
#include <mgca/train/task.hpp>

#include <memory>
#include <utility>

namespace mgca {

class PretrainTask {
 public:
  // `peers`: ranks that train with this one, each with a part of every batch; their samples meet as the model's configuration says.
  // Not the group of the loop's gradients (Ranks::data), whose sums begin in the middle of a backward pass.
  explicit PretrainTask(std::shared_ptr<AlignmentModel> model, ProcessGroup* peers = nullptr) : model_(std::move(model)), peers_(peers) {}

  [[nodiscard]] torch::nn::Module& module() { return *model_; }
  [[nodiscard]] AlignmentModel& model() { return *model_; }

  // The weighted sum of the model's losses on what it asks for of a batch; each weighted term and the model's metrics are watched.
  StepResult training_step(const StudyBatch& batch) { return losses_of(batch, peers_); }
  StepResult evaluation_step(const StudyBatch& batch) { return losses_of(batch, nullptr); }  // a rank evaluates whole batches by itself
  void after_backward(int64_t epoch) { model_->after_backward(epoch); }

 private:
  StepResult losses_of(const StudyBatch& batch, ProcessGroup* peers) {
    const auto device = model_->parameters().front().device();
    const auto needs = model_->needs();
    AlignmentInput input{.images = network_input(batch.images, device), .peers = peers};
    if (needs.reports) input.tokens = batch.tokens.to(device);
    if (batch.second_images.defined()) input.second_images = network_input(batch.second_images, device);
    if (needs.labels) input.labels = batch.labels.to(device, /*non_blocking=*/true);
    const auto losses = model_->losses(input);
    StepResult result{.loss = losses.total(), .metrics = losses.metrics, .samples = batch.size()};
    for (const auto& term : losses.terms) result.metrics.push_back({"loss_" + term.name, term.weighted().detach()});
    return result;
  }

  std::shared_ptr<AlignmentModel> model_;
  ProcessGroup* peers_;
};

}  // namespace mgca

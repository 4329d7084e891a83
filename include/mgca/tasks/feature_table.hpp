// Features of whole splits, computed once: what a probe learns from.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/encoders/concepts.hpp>
#include <mgca/feed/batch.hpp>  // network_input
#include <mgca/tasks/detail/each_batch.hpp>
#include <mgca/tensor/bridge.hpp>
#include <mgca/train/evaluate.hpp>

#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace mgca {

// An image tower as classifiers see it, whatever it comes from.
struct FeatureTower {
  std::shared_ptr<torch::nn::Module> module;
  std::function<Tensor(const Tensor&)> features;  // images (B, 3, S, S) in [-1, 1] -> (B, width), before any projection
  int64_t width = 0;

  [[nodiscard]] torch::Device device() const { return module->parameters().front().device(); }
};
[[nodiscard]] inline FeatureTower feature_tower(const std::shared_ptr<AlignmentModel>& model) {
  return {.module = model, .features = [model](const Tensor& images) { return model->image_features(images); }, .width = model->image_width()};
}
template <ImageEncoder E>
[[nodiscard]] FeatureTower feature_tower(const E& tower) {
  return {.module = tower.ptr(), .features = [own = tower](const Tensor& images) mutable { return own->forward(images).global; }, .width = tower->global_width()};
}

// Features and labels of a split, on the CPU.
struct FeatureTable {
  struct Batch {
    Tensor features;  // (B, D)
    Tensor labels;    // (B, C)
    std::vector<int64_t> records;
  };
  Tensor features;               // (N, D)
  Tensor labels;                 // (N, C): 1, 0, NaN unknown
  std::vector<int64_t> records;  // of the data set, fewer than it has where bad pictures were skipped; empty: 0 to N - 1

  [[nodiscard]] int64_t size() const { return features.size(0); }
  [[nodiscard]] Batch batch(std::span<const int64_t> places, RandomKey /*key*/) const {
    const auto rows = tensor_of(places, {static_cast<int64_t>(places.size())});
    Batch out{features.index_select(0, rows), labels.index_select(0, rows), {}};
    for (const auto i : places) out.records.push_back(records.empty() ? i : records[static_cast<std::size_t>(i)]);
    return out;
  }
};

namespace tasks {

namespace detail {
// What `row_of(batch)`, (B, D), makes of a whole source, with its labels and records; by ranks together where there are some. In the mode and
// with the gradients set.
template <class Source, class RowOf>
[[nodiscard]] FeatureTable table_of(const Source& source, int64_t batch_size, Ranks* ranks, const RowOf& row_of) {
  std::vector<Tensor> rows, labels;
  std::vector<int64_t> records;
  BatchOrder order;
  for_each_batch(source, batch_size, ranks, [&](const auto& batch) {
    rows.push_back(row_of(batch).to(torch::kCPU, torch::kFloat32));
    labels.push_back(batch.labels.to(torch::kFloat32));
    records.insert(records.end(), batch.records.begin(), batch.records.end());
    order.add(batch.records.size());
  });
  const auto joined = [&](const std::vector<Tensor>& parts) { return order.of_all(ranks, parts.empty() ? torch::empty({0, 0}) : torch::cat(parts)); };
  return {.features = joined(rows), .labels = joined(labels), .records = order.of_all(ranks, std::move(records))};
}
}  // namespace detail

// The tower's own features of a whole source, in evaluation mode and without gradient; its mode is restored. Ranks share the work, and each
// gets all of it.
template <class Source>
[[nodiscard]] FeatureTable features(const FeatureTower& tower, const Source& source, int64_t batch_size = 64, Ranks* ranks = nullptr) {
  const EvaluationScope evaluation(*tower.module);
  return detail::table_of(source, batch_size, ranks, [&](const auto& batch) { return tower.features(network_input(batch.images, tower.device())); });
}
template <class Source>
[[nodiscard]] FeatureTable features(AlignmentModel& model, const Source& source, int64_t batch_size = 64) {
  const auto not_owned = std::shared_ptr<AlignmentModel>(std::shared_ptr<void>(), &model);
  return features(feature_tower(not_owned), source, batch_size);
}

}  // namespace tasks
}  // namespace mgca

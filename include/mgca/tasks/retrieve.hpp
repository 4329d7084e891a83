// Finding reports for images and images for reports, over a whole set at once.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/feed/study_source.hpp>
#include <mgca/metrics/retrieval.hpp>
#include <mgca/tasks/detail/each_batch.hpp>
#include <mgca/tensor/bridge.hpp>
#include <mgca/train/evaluate.hpp>

#include <vector>

namespace mgca {

struct Gallery {
  Tensor images;   // (N, d) unit rows on the CPU
  Tensor reports;  // (N, d)
  std::vector<int64_t> records = {};  // of each row; fewer than the set's where unreadable pictures are skipped
};

namespace tasks {

// In evaluation mode, without gradient; the model's mode is restored.
template <class Source>
[[nodiscard]] Gallery embed(AlignmentModel& model, const Source& source, int64_t batch_size = 64) {
  const EvaluationScope evaluation(model);
  const auto device = model.parameters().front().device();
  std::vector<Tensor> images, reports;
  Gallery out;
  detail::for_each_batch(source, batch_size, [&](const auto& batch) {
    images.push_back(model.encode_image(network_input(batch.images, device)).global.to(torch::kCPU, torch::kFloat32));
    reports.push_back(model.encode_text(batch.tokens.to(device)).global.to(torch::kCPU, torch::kFloat32));
    out.records.insert(out.records.end(), batch.records.begin(), batch.records.end());
  });
  out.images = torch::cat(images);
  out.reports = torch::cat(reports);
  return out;
}

// Ranks in both directions; the own partner is a hit, or whatever is of its group, and ties count against us.
[[nodiscard]] inline Retrieval retrieve(const Gallery& gallery, const Relevance& relevance = {}) {
  const auto similarity = gallery.images.mm(gallery.reports.t()).contiguous();
  return metrics::retrieval(plane_of(similarity), relevance);
}

}  // namespace tasks
}  // namespace mgca

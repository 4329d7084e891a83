// Logits and labels of a set as the metrics want them.
#pragma once

#include <mgca/metrics/score_table.hpp>
#include <mgca/tensor/bridge.hpp>

#include <cmath>
#include <vector>

namespace mgca::tasks {

struct Scores {
  std::vector<float> values;       // (N, C) logits
  std::vector<uint8_t> labels;     // 0 or 1; 0 where unknown
  std::vector<uint8_t> known;
  int64_t classes = 0;

  [[nodiscard]] ScoreTable table() const { return {.scores = values, .labels = labels, .classes = classes, .known = known}; }
};

[[nodiscard]] inline Scores scores_of(const Tensor& logits, const Tensor& labels) {
  MGCA_CHECK(logits.dim() == 2 && logits.sizes() == labels.sizes(), "scores: expected logits and labels of one shape (N, C), got ", logits.sizes(), " and ",
             labels.sizes());
  const auto flat = logits.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  const auto truth = labels.to(torch::kCPU, torch::kFloat32).contiguous();
  Scores out{.classes = logits.size(1)};
  const auto values = span_of<float>(flat), target = span_of<float>(truth);
  out.values.assign(values.begin(), values.end());
  for (const float label : target) {
    out.known.push_back(std::isnan(label) ? 0 : 1);
    out.labels.push_back(label == 1.0F ? 1 : 0);
  }
  return out;
}

// Those of a whole split, with the records they belong to: fewer than the split's where unreadable pictures are skipped.
struct ScoredSplit {
  Scores scores;
  std::vector<int64_t> records;
};

}  // namespace mgca::tasks

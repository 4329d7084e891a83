// Decoded boxes of one image after confidence and suppression, as the reference lists them.
#pragma once

#include <mgca/core/suppression.hpp>
#include <mgca/tensor/torch.hpp>

#include <vector>

namespace mgca::golden {

// decoded (N, 5 + C): cx, cy, w, h, confidence, class probabilities -> (n, 7): x1, y1, x2, y2, confidence, class probability, class.
[[nodiscard]] inline Tensor suppressed(const Tensor& decoded, double confidence, double threshold) {
  const auto rows = decoded.detach().to(torch::kFloat64).contiguous();
  const auto [probability, label] = rows.slice(1, 5).max(1);
  std::vector<Detection> found;
  std::vector<int64_t> index;
  const auto at = rows.accessor<double, 2>();
  for (int64_t i = 0; i < rows.size(0); ++i) {
    if (at[i][4] < confidence) continue;
    found.push_back({.box = box_of(CentreSize{at[i][0], at[i][1], at[i][2], at[i][3]}), .score = at[i][4], .label = label[i].item<int64_t>()});
    index.push_back(i);
  }
  const auto kept = non_maximum_suppression(found, {.threshold = threshold});
  auto out = torch::empty({static_cast<int64_t>(kept.size()), 7}, torch::kFloat64);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const auto& one = found[static_cast<std::size_t>(kept[i])];
    out[static_cast<int64_t>(i)] = torch::tensor({one.box.x1, one.box.y1, one.box.x2, one.box.y2, one.score,
                                                  probability[index[static_cast<std::size_t>(kept[i])]].item<double>(), static_cast<double>(one.label)}, torch::kFloat64);
  }
  return out;
}

}  // namespace mgca::golden

// The same training steps by one process and by several ranks, and how far apart what came of them is.
#pragma once

#include "catch.hpp"
#include "ranks.hpp"

#include <mgca/align/groups.hpp>
#include <mgca/train/optimizer.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mgca::test {

// All numbers that are not whole in double precision, in place.
inline void to_double(torch::nn::Module& module) {
  const auto change = [](Tensor& tensor) {
    if (tensor.is_floating_point()) tensor.set_data(tensor.to(torch::kFloat64));
  };
  for (auto& parameter : module.parameters()) change(parameter);
  for (auto& buffer : module.buffers()) change(buffer);
}

// Of one step: what was told of the batch, and the gradients.
struct StepRecord {
  std::map<std::string, double> values;     // terms and the total
  std::map<std::string, double> metrics;    // in single precision
  std::map<std::string, Tensor> gradients;  // by parameter, of those that have one
};

// Trains on whole batches, or as one rank of a group on its part of each, with the mean over ranks of values and gradients.
inline std::vector<StepRecord> train_steps(AlignmentModel& model, const std::vector<AlignmentInput>& batches, ProcessGroup* group = nullptr) {
  const int64_t ranks = group == nullptr ? 1 : group->size();
  const auto mean = [&](const Tensor& tensor) {
    const auto sum = tensor.detach().contiguous().clone();
    if (group != nullptr) group->sum(sum);
    return sum / ranks;
  };
  const auto number = [&](const Tensor& scalar) { return mean(scalar.to(torch::kFloat64)).item<double>(); };
  AdamW optimizer(model, {});
  std::vector<StepRecord> steps;
  for (const auto& batch : batches) {
    const auto rows = batch.images.size(0) / ranks;
    auto own = group == nullptr ? batch : align::rows(batch, group->rank() * rows, rows);
    own.peers = group;
    optimizer.zero_grad();
    const auto losses = model.losses(own);
    const auto total = losses.total();
    total.backward();
    auto& step = steps.emplace_back();
    for (const auto& term : losses.terms) step.values[term.name] = number(term.value);
    for (const auto& metric : losses.metrics) step.metrics[metric.name] = number(metric.value);
    step.values["total"] = number(total);
    for (const auto& item : model.named_parameters()) {
      auto& gradient = item.value().mutable_grad();
      if (!gradient.defined()) continue;
      gradient = mean(gradient);
      step.gradients[item.key()] = gradient.clone();
    }
    model.after_backward(1);
    optimizer.step(1e-3);
  }
  return steps;
}

// As many ranks as models that are alike. What every rank has recorded.
inline std::vector<std::vector<StepRecord>> train_ranks(const std::vector<std::shared_ptr<AlignmentModel>>& models, const std::vector<AlignmentInput>& batches) {
  std::vector<std::vector<StepRecord>> steps(models.size());
  on_ranks(static_cast<int64_t>(models.size()), [&](ProcessGroup& group) {
    const auto rank = static_cast<std::size_t>(group.rank());
    steps[rank] = train_steps(*models[rank], batches, &group);
  });
  return steps;
}

struct Deviation {
  double value = 0;     // of losses, relative, the largest of all steps
  double metric = 0;    // the same
  double gradient = 0;  // the length of the difference over that of the gradient, the largest of all steps and parameters
  std::string where;    // of the gradient
};

// Not a number is larger than any.
inline double larger(double a, double b) { return b <= a ? a : b; }

// Of numbers under the same names, relative.
inline double largest_deviation(const std::map<std::string, double>& found, const std::map<std::string, double>& expected) {
  REQUIRE(found.size() == expected.size());
  double off = 0;
  for (const auto& [name, value] : expected) off = larger(off, std::abs(found.at(name) - value) / std::max(std::abs(value), 1e-3));
  return off;
}

// Names that hold one of the pieces `idle` are left out: their gradient is rounding alone.
inline Deviation deviation(const std::vector<StepRecord>& found, const std::vector<StepRecord>& expected, const std::vector<std::string>& idle = {}) {
  Deviation out;
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    REQUIRE(found[i].gradients.size() == expected[i].gradients.size());
    out.value = larger(out.value, largest_deviation(found[i].values, expected[i].values));
    out.metric = larger(out.metric, largest_deviation(found[i].metrics, expected[i].metrics));
    for (const auto& [name, gradient] : expected[i].gradients) {
      if (std::any_of(idle.begin(), idle.end(), [&](const auto& piece) { return name.find(piece) != std::string::npos; })) continue;
      const auto length = gradient.norm().template item<double>();
      const auto off = (found[i].gradients.at(name) - gradient).norm().template item<double>() / std::max(length, 1e-12);
      if (!(off <= out.gradient)) out.gradient = off, out.where = name + ", step " + std::to_string(i);
    }
  }
  return out;
}

}  // namespace mgca::test

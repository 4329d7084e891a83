// The same training steps by one process and by several ranks, and how far apart what came of them is.
#pragma once

#include "catch.hpp"
#include "ranks.hpp"

#include <mgca/align/groups.hpp>
#include <mgca/nn/batch_norm.hpp>
#include <mgca/train/optimizer.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <utility>
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

// Trains on whole batches, or as one rank of a group on its part of each, with the means over ranks of values and gradients.
inline std::vector<StepRecord> train_steps(AlignmentModel& model, const std::vector<AlignmentInput>& batches, ProcessGroup* group = nullptr) {
  const int64_t ranks = group == nullptr ? 1 : group->size();
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

    std::vector<std::pair<std::string, Tensor>> parameters;
    std::vector<Tensor> flat{total.detach().to(torch::kFloat64).view(1)};
    for (const auto& term : losses.terms) flat.push_back(term.value.detach().to(torch::kFloat64).view(1));
    for (const auto& metric : losses.metrics) flat.push_back(metric.value.to(torch::kFloat64).view(1));
    for (const auto& item : model.named_parameters()) {
      if (!item.value().grad().defined()) continue;
      parameters.emplace_back(item.key(), item.value());
      flat.push_back(item.value().grad().to(torch::kFloat64).flatten());
    }
    auto mean = torch::cat(flat);
    if (group != nullptr) group->sum(mean);
    mean /= ranks;

    auto& step = steps.emplace_back();
    int64_t at = 0;
    step.values["total"] = mean[at++].item<double>();
    for (const auto& term : losses.terms) step.values[term.name] = mean[at++].item<double>();
    for (const auto& metric : losses.metrics) step.metrics[metric.name] = mean[at++].item<double>();
    for (auto& [name, parameter] : parameters) {
      step.gradients[name] = mean.narrow(0, at, parameter.numel()).view(parameter.sizes());
      parameter.mutable_grad().copy_(step.gradients[name]);
      at += parameter.numel();
    }
    model.after_backward(1);
    optimizer.step(1e-3);
  }
  return steps;
}

// As many ranks as models that are alike, which share the statistics of their norms where they are to. What every rank has recorded.
inline std::vector<std::vector<StepRecord>> train_ranks(const std::vector<std::shared_ptr<AlignmentModel>>& models, const std::vector<AlignmentInput>& batches,
                                                        bool synchronised = false) {
  std::vector<std::vector<StepRecord>> steps(models.size());
  on_ranks(static_cast<int64_t>(models.size()), [&](ProcessGroup& group) {
    const auto rank = static_cast<std::size_t>(group.rank());
    if (synchronised) nn::synchronise_batch_norms(*models[rank], &group);
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

// A gradient below 1e-8 of that of all parameters together is rounding, of a shift that a norm takes away, say, and is measured by that of all.
inline Deviation deviation(const std::vector<StepRecord>& found, const std::vector<StepRecord>& expected) {
  Deviation out;
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    REQUIRE(found[i].gradients.size() == expected[i].gradients.size());
    out.value = larger(out.value, largest_deviation(found[i].values, expected[i].values));
    out.metric = larger(out.metric, largest_deviation(found[i].metrics, expected[i].metrics));
    double all = 0;
    for (const auto& [name, gradient] : expected[i].gradients) all = std::hypot(all, gradient.norm().template item<double>());
    for (const auto& [name, gradient] : expected[i].gradients) {
      const auto own = gradient.norm().template item<double>(), length = own > 1e-8 * all ? own : all;
      const auto off = (found[i].gradients.at(name) - gradient).norm().template item<double>() / length;
      if (!(off <= out.gradient)) out.gradient = off, out.where = name + ", step " + std::to_string(i);
    }
  }
  return out;
}

}  // namespace mgca::test

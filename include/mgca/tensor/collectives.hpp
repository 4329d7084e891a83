// Sums and gathers over ranks that the gradient flows through, so that a loss over the samples of all ranks is written as one over those of a batch.
// Every rank computes the same loss L from what all of them gave. A backward pass then leaves in each rank's parameters its own part of the gradient
// times the number of ranks, and the mean over ranks, which data-parallel training takes anyway, is the gradient of L.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/process_group.hpp>
#include <mgca/tensor/torch.hpp>

#include <torch/csrc/autograd/custom_function.h>

#include <cstdint>

namespace mgca {

namespace detail {

// What passes through autograd's saved data, which knows tensors and numbers: a pointer as a number.
[[nodiscard]] inline int64_t as_number(ProcessGroup& group) { return static_cast<int64_t>(reinterpret_cast<std::intptr_t>(&group)); }
[[nodiscard]] inline ProcessGroup& as_group(const c10::IValue& value) {
  return *reinterpret_cast<ProcessGroup*>(static_cast<std::intptr_t>(value.toInt()));
}

struct GatheredRows : torch::autograd::Function<GatheredRows> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& mine, int64_t group) {
    context->saved_data["group"] = group;
    context->saved_data["rows"] = mine.size(0);
    return as_group(context->saved_data["group"]).gather(mine);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    auto& group = as_group(context->saved_data["group"]);
    const auto rows = context->saved_data["rows"].toInt();
    const auto all = gradients[0].contiguous().clone();
    group.sum(all);
    return {all.narrow(0, group.rank() * rows, rows), Tensor()};
  }
};

struct SummedOver : torch::autograd::Function<SummedOver> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& mine, int64_t group) {
    context->saved_data["group"] = group;
    auto all = mine.contiguous().clone();
    as_group(context->saved_data["group"]).sum(all);
    return all;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    const auto all = gradients[0].contiguous().clone();
    as_group(context->saved_data["group"]).sum(all);
    return {all, Tensor()};
  }
};

}  // namespace detail

// The rows of all ranks in their order, (B, ...) of each to (ranks B, ...), with gradient. No group: the rows as they are.
// The group must outlive the backward pass.
[[nodiscard]] inline Tensor gathered(const Tensor& rows, ProcessGroup* group) {
  if (group == nullptr || group->size() == 1) return rows;
  return detail::GatheredRows::apply(rows, detail::as_number(*group));
}

// The sum over ranks, element by element, with gradient. No group: the tensor as it is.
[[nodiscard]] inline Tensor summed(const Tensor& tensor, ProcessGroup* group) {
  if (group == nullptr || group->size() == 1) return tensor;
  return detail::SummedOver::apply(tensor, detail::as_number(*group));
}

// What a rank divides its sum by, so that the mean of the quotients over ranks is the sum of all over the count of all, which is taken to be at
// least 1. The rank's own count is a scalar of the type of the sum; without peers it is returned so.
[[nodiscard]] inline Tensor count_per_rank(const Tensor& count, ProcessGroup* peers) {
  const auto all = summed(count, peers).clamp_min(1);
  return peers == nullptr ? all : all / peers->size();
}

}  // namespace mgca

// Batch normalisation as torch has it, whose statistics in training can be those of the rows of all ranks.
// Without a group, alone in it, and in evaluation it is torch's module bit for bit; names, start and options are torch's.
// Reference: Ioffe and Szegedy 2015; statistics are merged as in Chan et al. 1979.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/collectives.hpp>
#include <mgca/tensor/nn.hpp>

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <unordered_set>
#include <vector>

namespace mgca {

// A norm that can take its statistics over all ranks of a group. All ranks then train alike: each calls it, and its backward pass, as often as the others.
class SynchronisedNorm {
 public:
  virtual ~SynchronisedNorm() = default;

  // nullptr: its own rank's rows. The group must outlive its use.
  void synchronise(ProcessGroup* group) { group_ = group; }
  // Where there are other ranks to share with.
  [[nodiscard]] ProcessGroup* others() const { return group_ != nullptr && group_->size() > 1 ? group_ : nullptr; }

 private:
  ProcessGroup* group_ = nullptr;
};

namespace detail {

// Of the rows of all ranks; the same bits on all of them.
struct JoinedStatistics {
  Tensor mean, variance;  // (C), biased; in single precision at least
  Tensor count;           // (1), values of each channel
};

[[nodiscard]] inline JoinedStatistics joined_statistics(const Tensor& x, ProcessGroup& group) {  // (B, C, ...)
  const torch::NoGradGuard no_grad;
  const auto channels = x.size(1);
  // torch's own statistics; the running ones it wants tell it the precision of the results and are thrown away
  const auto unused = torch::zeros({2, channels}, x.options().dtype(torch::promote_types(x.scalar_type(), torch::kFloat32)));
  const auto [mine, spread] = at::batch_norm_update_stats(x, unused[0], unused[1], /*momentum=*/0);
  const auto all = group.gather(torch::cat({mine, spread, mine.new_full({1}, x.numel() / channels)}).unsqueeze(0));  // (ranks, 2 C + 1)
  const auto means = all.narrow(1, 0, channels), variances = all.narrow(1, channels, channels), counts = all.narrow(1, 2 * channels, 1);
  const auto count = counts.sum(0);
  const auto share = counts / count;  // (ranks, 1)
  const auto mean = (share * means).sum(0);
  return {.mean = mean, .variance = (share * (variances + (means - mean).square())).sum(0), .count = count};
}

// What x is normalised by depends on the rows of all ranks: the gradient is that of the joined rows, with the sums over them taken at once.
struct JoinedNorm : torch::autograd::Function<JoinedNorm> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& mean,
                        const Tensor& variance, const Tensor& count, double epsilon, int64_t group) {
    context->saved_data["epsilon"] = epsilon;
    context->saved_data["group"] = group;
    context->save_for_backward({x, weight, mean, variance, count});
    return std::get<0>(at::native_batch_norm(x, weight, bias, mean, variance, /*training=*/false, 0, epsilon));
  }
  // With n = (x - mean) / deviation and the gradient g of the output: weight / deviation (g - (sum g n) / N n - (sum g) / N).
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1], &mean = saved[2], &variance = saved[3], &count = saved[4];
    const auto epsilon = context->saved_data["epsilon"].toDouble();
    const auto [fixed, g_n, g] = at::native_batch_norm_backward(gradients[0], x, weight, mean, variance, {}, {}, /*train=*/false, epsilon, {true, true, true});
    const auto sums = torch::stack({g_n, g});  // (2, C)
    as_group(context->saved_data["group"]).sum(sums);
    const auto pull = sums / count * weight * (variance + epsilon).rsqrt();
    const auto through_statistics = std::get<0>(at::native_batch_norm(x, pull[0], pull[1], mean, variance, /*training=*/false, 0, epsilon));
    return {fixed.sub_(through_statistics), g_n, g, {}, {}, {}, {}, {}};
  }
};

// Of a norm in training; what is undefined is left out.
struct NormState {
  Tensor weight, bias, running_mean, running_var;
  double momentum = 0.1;
  double epsilon = 1e-5;
};

// One gather forward and one sum backward, of two numbers a channel.
[[nodiscard]] inline Tensor joined_batch_norm(const Tensor& x, const NormState& norm, ProcessGroup& group) {
  MGCA_CHECK(x.numel() > 0, "batch norm: expected rows on every rank that shares statistics, got ", x.sizes(), " on rank ", group.rank());
  const auto [mean, variance, count] = joined_statistics(x.detach(), group);
  if (norm.running_mean.defined()) {
    const torch::NoGradGuard no_grad;
    norm.running_mean.lerp_(mean.to(norm.running_mean.dtype()), norm.momentum);
    norm.running_var.lerp_((variance * (count / (count - 1))).to(norm.running_var.dtype()), norm.momentum);
  }
  return JoinedNorm::apply(x, norm.weight.defined() ? norm.weight : torch::ones_like(mean), norm.bias.defined() ? norm.bias : torch::zeros_like(mean), mean,
                           variance, count, norm.epsilon, as_number(group));
}

template <std::size_t D>
class BatchNormImpl : public torch::nn::BatchNormImplBase<D, BatchNormImpl<D>>, public SynchronisedNorm {
  using Base = torch::nn::BatchNormImplBase<D, BatchNormImpl<D>>;

 public:
  using Base::Base;

  Tensor forward(const Tensor& x) {  // (B, C, H, W), or (B, C) and (B, C, L)
    if (others() == nullptr || !this->is_training()) return Base::forward(x);
    _check_input_dim(x);
    auto momentum = this->options.momentum();
    if (this->num_batches_tracked.defined()) {
      this->num_batches_tracked += 1;
      if (!momentum) momentum = 1.0 / this->num_batches_tracked.template item<double>();
    }
    return joined_batch_norm(x, {.weight = this->weight, .bias = this->bias, .running_mean = this->running_mean, .running_var = this->running_var,
                                 .momentum = momentum.value_or(0), .epsilon = this->options.eps()},
                             *others());
  }

 protected:
  void _check_input_dim(const Tensor& x) override {
    const auto channels = this->options.num_features();
    const bool fits = D == 1 ? x.dim() == 2 || x.dim() == 3 : x.dim() == static_cast<int64_t>(D) + 2;
    MGCA_CHECK(fits && x.size(1) == channels, "batch norm: expected ", D == 1 ? "(B, C) or (B, C, L)" : "(B, C, H, W)", " of ", channels, " channels, got ",
               x.sizes());
  }
};

// A batch norm that takes its statistics from its own rank's rows now.
[[nodiscard]] inline bool is_own_norm(torch::nn::Module& part) {
  if (!part.is_training()) return false;
  if (const auto* const norm = dynamic_cast<SynchronisedNorm*>(&part)) return norm->others() == nullptr;
  return part.named_buffers(/*recurse=*/false).contains("running_mean");
}

}  // namespace detail

using BatchNorm1d = torch::nn::ModuleHolder<detail::BatchNormImpl<1>>;
using BatchNorm2d = torch::nn::ModuleHolder<detail::BatchNormImpl<2>>;

namespace nn {

// Every norm of the module takes its statistics over the ranks of the group from now on; nullptr: over its own rank's rows again.
// Returns their number. The group must outlive its use, and be another one than that of gradient sums, which begin at moments of their own.
inline int64_t synchronise_batch_norms(torch::nn::Module& module, ProcessGroup* group) {
  std::unordered_set<SynchronisedNorm*> norms;
  module.apply([&](torch::nn::Module& part) {
    auto* const norm = dynamic_cast<SynchronisedNorm*>(&part);
    if (norm != nullptr && norms.insert(norm).second) norm->synchronise(group);
  });
  return static_cast<int64_t>(norms.size());
}

// Whether any norm of the module normalises what it is given now by the statistics of its own rank's rows: in training, and not synchronised.
// Norms of others' making are known by their running statistics.
[[nodiscard]] inline bool takes_own_statistics(torch::nn::Module& module) {
  bool found = false;
  module.apply([&](torch::nn::Module& part) { found = found || detail::is_own_norm(part); });
  return found;
}

// The running statistics of norms in training become the means over ranks, of all norms in one sum: afterwards all ranks hold the same bits.
// Norms in evaluation and those that are synchronised, whose statistics are equal, stay as they are. Returns the number of norms averaged.
inline int64_t average_running_statistics(torch::nn::Module& module, ProcessGroup* group) {
  if (group == nullptr || group->size() == 1) return 0;
  const torch::NoGradGuard no_grad;
  std::unordered_set<torch::nn::Module*> seen;
  std::vector<Tensor> statistics, flat;
  module.apply([&](torch::nn::Module& part) {
    if (!seen.insert(&part).second || !detail::is_own_norm(part)) return;
    const auto buffers = part.named_buffers(/*recurse=*/false);
    const auto *mean = buffers.find("running_mean"), *variance = buffers.find("running_var");
    if (mean == nullptr || variance == nullptr || !mean->defined() || !variance->defined()) return;
    for (const auto& one : {*mean, *variance}) {
      statistics.push_back(one);
      flat.push_back(one.flatten());
    }
  });
  if (statistics.empty()) return 0;
  auto all = torch::cat(flat);
  group->sum(all);
  all.div_(group->size());
  int64_t at = 0;
  for (auto& one : statistics) {
    one.copy_(all.narrow(0, at, one.numel()).view_as(one));
    at += one.numel();
  }
  return static_cast<int64_t>(statistics.size() / 2);
}

}  // namespace nn

}  // namespace mgca

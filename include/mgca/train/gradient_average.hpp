// Gradients averaged over ranks, on their way while the rest of the backward pass computes.
// Parameters lie in buckets in reverse order of registration, about the order in which their gradients come. A bucket that is full, and all
// before it, starts its sum at once; so the order of sums is the same on all ranks, whatever order gradients arrive in.
// Reference: Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel Training", VLDB 2020.
#pragma once

#include <mgca/core/config.hpp>
#include <mgca/core/error.hpp>
#include <mgca/tensor/gradient_hook.hpp>
#include <mgca/tensor/nn.hpp>
#include <mgca/train/agreement.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

namespace mgca {

enum class Compression : uint8_t {
  none,
  bf16,  // gradients travel, and are summed, as bf16: half the bytes, and an error of at most ranks 2^-9 of the mean of the ranks' sizes
};
constexpr auto names_of(Compression) { return std::to_array<std::string_view>({"none", "bf16"}); }

struct GradientOptions {
  int64_t bucket_bytes = int64_t{25} << 20;  // gradients that travel together; the first bucket holds at most 1 MB, so that the first sum begins early
  Compression compress = Compression::none;

  static void describe(auto& self, auto&& field) {
    field("bucket_bytes", self.bucket_bytes, "bytes of gradients that travel together between ranks");
    field("compress", self.compress, "number type in which gradients travel between ranks");
  }
  void validate() const { MGCA_CHECK(bucket_bytes > 0, "gradients: bucket_bytes must be positive, got ", bucket_bytes); }
};

// One step: expect(more) before each backward pass but the last, expect(last) before that, finish() after it.
// After finish() .grad is the mean over ranks, as a part of a bucket. A parameter without a gradient here counts as zero; without one on
// every rank it stays without.
class GradientAverage {
 public:
  enum class Pass : uint8_t { more, last };

  // Of the parameters that require a gradient now, all on one device. Keeps references to them and to the groups.
  GradientAverage(const torch::nn::Module& module, Ranks ranks, const GradientOptions& options = {})
      : ranks_(ranks), options_((options.validate(), options)), share_(torch::scalar_tensor(1.0 / static_cast<double>(ranks.size()), torch::kFloat64)) {
    std::vector<Tensor> parameters;
    std::set<const void*> seen;  // a layer that is registered twice has its parameters once
    for (const auto& parameter : module.parameters()) {
      if (parameter.requires_grad() && seen.insert(parameter.unsafeGetTensorImpl()).second) parameters.push_back(parameter);
    }
    std::reverse(parameters.begin(), parameters.end());
    fill_buckets(parameters);
    for (auto& bucket : buckets_) {
      for (auto& slot : bucket->slots) {
        MGCA_CHECK(slot.parameter.device() == parameters.front().device(), "gradients: parameters lie on ", parameters.front().device().str(), " and ",
                   slot.parameter.device().str(), "; move the module to one device");
        hooks_.emplace_back(slot.parameter, [this, to = bucket.get(), &slot](Tensor&) { arrived(*to, slot); });
      }
    }
  }
  GradientAverage(const GradientAverage&) = delete;  // hooks refer to it
  GradientAverage& operator=(const GradientAverage&) = delete;

  void expect(Pass pass) { pass_ = pass; }

  // A host-side exchange tells which parameters have a gradient on any rank. Throws what the groups throw.
  void finish() {
    const torch::NoGradGuard no_grad;
    auto mine = torch::zeros({1, parameters_}, torch::kUInt8);
    auto* here = mine.mutable_data_ptr<uint8_t>();
    for (const auto& bucket : buckets_) {
      for (const auto& slot : bucket->slots) *here++ = slot.parameter.grad().defined() ? 1 : 0;
    }
    for (; started_ < buckets_.size(); ++started_) start(*buckets_[started_]);
    const auto anywhere = ranks_.control.gather(mine).amax(0);
    const auto* used = anywhere.const_data_ptr<uint8_t>();
    for (auto& bucket : buckets_) {
      bucket->sum.wait();
      if (bucket->sent.defined()) bucket->flat.copy_(bucket->sent);
      for (auto& slot : bucket->slots) {
        if (*used++ != 0) slot.parameter.mutable_grad() = slot.view;
        slot.filled = false;
      }
      bucket->missing = bucket->slots.size();
    }
    started_ = 0;
    pass_ = Pass::more;
  }

  [[nodiscard]] std::size_t buckets() const { return buckets_.size(); }

 private:
  struct Slot {
    Tensor parameter;
    Tensor view;  // of the bucket, in the parameter's own layout
    bool filled = false;
  };
  struct Bucket {
    Tensor flat;
    Tensor sent;  // what travels where it is not `flat`
    std::vector<Slot> slots;
    std::size_t missing = 0;
    Collective sum;
  };

  void fill_buckets(const std::vector<Tensor>& parameters) {
    constexpr int64_t kAligned = 64;  // bytes; kernels on the parts are as fast as on tensors of their own
    int64_t limit = std::min(options_.bucket_bytes, int64_t{1} << 20);
    std::vector<int64_t> offsets;
    int64_t elements = 0;
    for (std::size_t i = 0; i < parameters.size();) {
      auto bucket = std::make_unique<Bucket>();
      const auto options = parameters[i].options().requires_grad(false);
      const auto bytes = parameters[i].element_size();
      offsets.clear();
      elements = 0;
      const auto first = i;
      for (; i < parameters.size() && parameters[i].dtype() == options.dtype() && (i == first || (elements + parameters[i].numel()) * bytes <= limit); ++i) {
        offsets.push_back(elements);
        elements = (elements + parameters[i].numel() + kAligned / bytes - 1) / (kAligned / bytes) * (kAligned / bytes);
      }
      bucket->flat = torch::zeros({elements}, options);
      for (std::size_t k = 0; k < offsets.size(); ++k) {
        const auto& parameter = parameters[first + k];
        const auto strides = parameter.is_non_overlapping_and_dense() ? parameter.strides().vec() : torch::empty(parameter.sizes(), torch::kMeta).strides().vec();
        bucket->slots.push_back({parameter, bucket->flat.as_strided(parameter.sizes(), strides, offsets[k])});
      }
      bucket->missing = bucket->slots.size();
      parameters_ += static_cast<int64_t>(bucket->slots.size());
      buckets_.push_back(std::move(bucket));
      limit = options_.bucket_bytes;
    }
  }

  void arrived(Bucket& bucket, Slot& slot) {
    if (pass_ == Pass::more) return;
    MGCA_CHECK(!slot.filled, "gradients: a second backward pass came after the last of a step; call expect(more) before all but the last, and finish() after it");
    put(slot);
    if (--bucket.missing > 0) return;
    for (; started_ < buckets_.size() && buckets_[started_]->missing == 0; ++started_) start(*buckets_[started_]);
  }

  // This rank's part of the mean. From here on .grad lies in the bucket.
  void put(Slot& slot) {
    const torch::NoGradGuard no_grad;
    if (slot.parameter.grad().defined()) {
      at::mul_out(slot.view, slot.parameter.grad(), share_);
      slot.parameter.mutable_grad() = slot.view;
    } else {
      slot.view.zero_();
    }
    slot.filled = true;
  }

  void start(Bucket& bucket) {
    const torch::NoGradGuard no_grad;
    for (auto& slot : bucket.slots) {
      if (!slot.filled) put(slot);
    }
    if (options_.compress == Compression::bf16) bucket.sent = bucket.flat.to(torch::kBFloat16);
    bucket.sum = ranks_.data.start_sum(bucket.sent.defined() ? bucket.sent : bucket.flat);
  }

  Ranks ranks_;
  GradientOptions options_;
  Tensor share_;
  std::vector<std::unique_ptr<Bucket>> buckets_;
  int64_t parameters_ = 0;
  std::size_t started_ = 0;  // so many buckets are under way
  Pass pass_ = Pass::more;
  std::vector<GradientHook> hooks_;  // last: they end before what they use
};

}  // namespace mgca

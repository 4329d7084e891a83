// A module's buffers as they were before a step. A step that is skipped must leave them alone, too: one picture that is no
// number would otherwise make the running statistics of every batch norm NaN for good.
#pragma once

#include <mgca/tensor/nn.hpp>

#include <utility>
#include <vector>

namespace mgca {

class Buffers {
 public:
  explicit Buffers(const torch::nn::Module& module) : now_(module.buffers()) {}

  void remember() {
    const torch::NoGradGuard no_grad;
    before_.clear();
    for (const auto& buffer : now_) before_.push_back(buffer.clone());
  }
  // Back to what was remembered where the scalar `skipped` is true; decided on the device.
  void restore_where(const Tensor& skipped) {
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < now_.size(); ++i) now_[i].copy_(torch::where(skipped, before_[i], now_[i]));
  }

 private:
  std::vector<Tensor> now_, before_;
};

}  // namespace mgca

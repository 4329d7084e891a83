// Where steps are measured: on a GPU where there is one.
#pragma once

#include <mgca/tensor/torch.hpp>

#include <ATen/Context.h>
#include <torch/cuda.h>

namespace mgca::bench {

[[nodiscard]] inline bool on_gpu() { return at::hasCUDA() && at::getNumGPUs() > 0; }
[[nodiscard]] inline torch::Device device() { return on_gpu() ? torch::kCUDA : torch::kCPU; }

// Waits for what was begun: a step that has only been launched is not done.
inline void finish() {
  if (on_gpu()) torch::cuda::synchronize();
}

}  // namespace mgca::bench

// Whether ranks can share the statistics of a whole network.
#pragma once

#include <mgca/nn/batch_norm.hpp>

namespace mgca::test {

// It has norms with running statistics, and all of them can be synchronised.
inline bool all_norms_synchronise(torch::nn::Module& module) {
  int64_t norms = 0;
  for (const auto& buffer : module.named_buffers()) norms += buffer.key().ends_with("running_mean") ? 1 : 0;
  return norms > 0 && nn::synchronise_batch_norms(module, nullptr) == norms;
}

}  // namespace mgca::test

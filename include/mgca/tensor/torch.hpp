// The narrowest door to libtorch: tensors, their operators and the gradient switch.
// No header outside tensor/ names a torch, ATen or c10 header.
#pragma once

#include <torch/types.h>
#include <torch/utils.h>

namespace mgca {

using torch::Tensor;

}  // namespace mgca

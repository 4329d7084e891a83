// The only door to libtorch.
#pragma once

#include <mgca/tensor/bridge.hpp>
#include <mgca/tensor/collectives.hpp>
#include <mgca/tensor/gradient_hook.hpp>
#include <mgca/tensor/handle.hpp>
#include <mgca/tensor/multiply_adds.hpp>
#include <mgca/tensor/nn.hpp>
#include <mgca/tensor/optim.hpp>
#include <mgca/tensor/precision.hpp>
#include <mgca/tensor/process_group.hpp>
#include <mgca/tensor/random_state.hpp>
#include <mgca/tensor/state_dict.hpp>
#include <mgca/tensor/torch.hpp>
#include <mgca/tensor/weights_file.hpp>

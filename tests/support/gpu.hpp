// Tests that need a CUDA device say so where there is none; they never pass in silence.
#pragma once

#include "catch.hpp"

#include <ATen/Context.h>

namespace mgca::test {

inline bool cuda_found() {
  if (at::hasCUDA() && at::getNumGPUs() > 0) return true;
  WARN("no CUDA device: not run");
  return false;
}

}  // namespace mgca::test

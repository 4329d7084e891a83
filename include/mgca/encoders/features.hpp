// What every encoder returns: one vector for the whole, one per part, and the attention paid to the parts.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/torch.hpp>

#include <cmath>
#include <cstdint>
#include <vector>

namespace mgca {

struct Features {
  Tensor global;     // (B, D)     one vector per image or report
  Tensor local;      // (B, N, E)  one vector per patch or word; 0 where `valid` is false
  Tensor attention;  // (B, N)     attention the summary token pays to each part, without gradient;
                     //            undefined for convolutional encoders
  Tensor valid;      // (B, N)     bool, true where a part exists; undefined: all exist
};

// Side of the square that the patches of an image form, row by row. Throws Error(argument) where they form none.
[[nodiscard]] inline int64_t grid_side(int64_t patches) {
  const auto side = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(patches))));
  MGCA_CHECK(patches > 0 && side * side == patches, "grid_side: ", patches, " patches form no square grid; give the tower square images, and leave the summary token out");
  return side;
}

// What every layer of a transformer gave, for those who look inside.
struct LayerStates {
  std::vector<Tensor> hidden;     // depth + 1 times (B, N, D): what enters the first layer, then what each layer gave
  std::vector<Tensor> attention;  // depth times (B, heads, N, N), without gradient
};

// The stages of a convolutional encoder, fine to coarse.
struct Pyramid {
  Tensor c1;  // (B, C1, S/2,  S/2)
  Tensor c2;  // (B, C2, S/4,  S/4)
  Tensor c3;  // (B, C3, S/8,  S/8)
  Tensor c4;  // (B, C4, S/16, S/16)
  Tensor c5;  // (B, C5, S/32, S/32)
};

}  // namespace mgca

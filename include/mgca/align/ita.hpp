// Instance-wise alignment (ITA): an image and its report find each other in the batch.
// Reference: MGCA, section 3.2, equations 1 to 3. Official code: the sum of both directions, not their mean.
#pragma once

#include <mgca/ops/contrast.hpp>

namespace mgca::align {

[[nodiscard]] inline ops::Contrast ita(const Tensor& image, const Tensor& text, double temperature) {
  return ops::contrast(image, text, temperature);
}

}  // namespace mgca::align

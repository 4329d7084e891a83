// How large a model is and how much it computes for a picture and its report.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/tensor/multiply_adds.hpp>

#include <cstdint>

namespace mgca {

struct ModelCost {
  int64_t parameters = 0;
  int64_t trainable = 0;      // of them
  int64_t multiply_adds = 0;  // of the forward of one picture and, where it reads them, one report as long as it reads
};

// Runs the model once in evaluation mode, on the device it is on; one built in a scope of ShapesOnly costs next to nothing.
[[nodiscard]] inline ModelCost cost_of(AlignmentModel& model) {
  const torch::NoGradGuard no_grad;
  model.eval();
  ModelCost cost;
  torch::TensorOptions where;
  for (const auto& parameter : model.parameters()) {
    where = where.device(parameter.device());
    cost.parameters += parameter.numel();
    if (parameter.requires_grad()) cost.trainable += parameter.numel();
  }
  const auto S = model.image_size(), T = model.text_length();
  cost.multiply_adds = multiply_adds([&] {
    (void)model.encode_image(torch::zeros({1, 3, S, S}, where));
    if (!model.needs().reports) return;
    const auto whole = where.dtype(torch::kLong);  // [CLS], words of one piece each, [SEP]
    const auto ids = torch::ones({1, T}, whole), slots = torch::arange(-1, T - 1, whole).unsqueeze(0);
    (void)model.encode_text({.ids = ids, .mask = ids, .word_slot = slots.masked_fill(slots.eq(T - 2), -1), .words = torch::full({1}, T - 2, whole)});
  });
  return cost;
}

}  // namespace mgca

// Position tables of vision transformers for another number of patches.
// Reference: timm, layers/pos_embed.py (resample_abs_pos_embed): bicubic with antialiasing in single precision, the class
// token's row as it is.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/tensor/torch.hpp>

#include <cmath>
#include <cstdint>

namespace mgca::ops {

// (1, 1 + N, D) for a square grid of N patches, the class token first -> (1, 1 + patches, D), in the table's type.
// Throws Error(argument) where one of the grids is not square.
[[nodiscard]] inline Tensor resample_positions(const Tensor& table, int64_t patches) {
  MGCA_CHECK(table.dim() == 3 && table.size(0) == 1 && table.size(1) > 1, "resample_positions: expected a table (1, 1 + N, D), got ", table.sizes());
  const auto side_of = [](int64_t count) { return static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(count)))); };
  const auto rows = table.size(1) - 1, from = side_of(rows), to = side_of(patches);
  MGCA_CHECK(from * from == rows && to * to == patches && patches > 0, "resample_positions: ", rows, " and ", patches, " patches; expected square grids with one class token before them",
             rows > 1 && side_of(rows - 1) * side_of(rows - 1) == rows - 1 ? " (this table has two: a distilled model's)" : "");
  if (from == to) return table;
  const auto grid = table.slice(1, 1).to(torch::kFloat32).reshape({1, from, from, -1}).permute({0, 3, 1, 2});  // (1, D, from, from)
  const auto resampled = at::_upsample_bicubic2d_aa(grid, {to, to}, /*align_corners=*/false);                  // (1, D, to, to)
  return torch::cat({table.slice(1, 0, 1), resampled.flatten(2).transpose(1, 2).to(table.scalar_type())}, 1);
}

}  // namespace mgca::ops

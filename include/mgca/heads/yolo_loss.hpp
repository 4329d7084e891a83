// What YOLOv3 is trained towards, and its loss. Boxes are assigned on the device, all at once; nothing is read by the host.
// A box is assigned to the anchor of its cell that resembles it most, at every grid or at one; the next box at the same anchor and cell
// replaces it. Kept as published where every grid takes part, since it defines the published detectors: IoU with a pixel added in grid
// units, and confidence held down at an assigned anchor, too, unless it resembles the box by more than a half.
// Reference: Redmon and Farhadi 2018; MGCA, section 4.3.
#pragma once

#include <mgca/heads/yolo.hpp>
#include <mgca/ops/unit.hpp>  // exact_scope

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mgca {

// For one grid; (B, 3, H, W) unless said otherwise.
struct YoloTargets {
  Tensor mask;     // 1 where a box is assigned
  Tensor empty;    // 0 where an anchor resembles a box by more than a half: 1 elsewhere
  Tensor x, y;     // the centre in its cell, of 1
  Tensor w, h;     // logarithm of the size in anchors
  Tensor classes;  // (B, 3, H, W, C) 1 for the box's class
};

// Means over all anchors and cells, scalars; `total` is their weighted sum.
struct YoloTerms {
  Tensor x, y, w, h, confidence, classes, total;
};

struct YoloLoss {
  std::vector<YoloTerms> grids;  // coarsest first
  Tensor total;
};

enum class YoloArithmetic : uint8_t {
  single,     // single precision at least
  published,  // double precision but for the classes
};
constexpr auto names_of(YoloArithmetic) { return std::to_array<std::string_view>({"single", "published"}); }

namespace heads {
namespace detail {

// The anchor of all grids that is most like each box, as a number in YoloConfig's order; boxes (B, M, 5) -> (B, M).
inline Tensor nearest_anchor(const YoloConfig& config, const Tensor& boxes) {
  const auto count = static_cast<int64_t>(config.anchors.size()) / 2;
  auto anchors = torch::empty({count, 2}, boxes.options());
  for (int64_t i = 0; i < anchors.numel(); ++i) anchors.view(-1)[i].fill_(config.anchors[static_cast<std::size_t>(i)] / 416);
  const auto size = boxes.slice(-1, 3, 5).unsqueeze(2);  // (B, M, 1, 2)
  const auto shared = torch::minimum(size, anchors).prod(-1);
  return (shared / (size.prod(-1) + anchors.prod(-1) - shared + 1e-16)).argmax(-1);
}

}  // namespace detail

// boxes (B, M, 5): class, cx, cy, w, h of 1; rows of 0 are padding. output: the grid's raw output, for its size. In the boxes' precision.
[[nodiscard]] inline YoloTargets yolo_targets(const YoloConfig& config, int64_t grid, const Tensor& output, const Tensor& boxes) {
  MGCA_CHECK(boxes.dim() == 3 && boxes.size(2) == 5 && boxes.size(0) == output.size(0), "yolo: expected boxes (", output.size(0), ", M, 5), got ", boxes.sizes());
  const auto B = boxes.size(0), M = boxes.size(1), A = YoloConfig::kAnchors, H = output.size(2), W = output.size(3), cells = A * H * W;
  const auto anchors = yolo_anchors(config, grid, output).to(torch::kFloat32).to(boxes.scalar_type());  // (A, 2)
  const auto real = (boxes != 0).any(-1);                                                                // (B, M)
  const auto gx = boxes.select(-1, 1) * W, gy = boxes.select(-1, 2) * H;
  const auto column = gx.floor().clamp(0, W - 1), row = gy.floor().clamp(0, H - 1);
  const auto size = boxes.slice(-1, 3, 5) * torch::stack({torch::full({}, W, boxes.options()), torch::full({}, H, boxes.options())});  // (B, M, 2), cells
  const auto shared = (torch::minimum(size.unsqueeze(2), anchors) + 1).prod(-1);                          // (B, M, A)
  const auto overlap = shared / ((size + 1).prod(-1, /*keepdim=*/true) + (anchors + 1).prod(-1) - shared + 1e-16);
  const bool one_grid = config.assignment == YoloAssignment::one_grid;
  const auto nearest = one_grid ? detail::nearest_anchor(config, boxes) : Tensor();
  const auto best = one_grid ? nearest.remainder(A) : overlap.argmax(-1);                                 // (B, M)
  const auto here = one_grid ? real & (nearest.div(A, "floor") == grid) : real;

  // Places in the flattened grid; one more behind it takes what is dropped.
  const auto cell = (row * W + column).to(torch::kLong);
  const auto dropped = torch::full({}, cells, cell.options());
  const auto wanted = torch::where(here, best * (H * W) + cell, dropped);                                // (B, M)
  const auto same = (wanted.unsqueeze(2) == wanted.unsqueeze(1)).triu(1).any(-1);                        // a later box has this place
  const auto place = torch::where(same, dropped, wanted);
  const auto put = [&](const Tensor& values) {  // (B, M) -> (B, A, H, W)
    return torch::zeros({B, cells + 1}, boxes.options()).scatter_(1, place, values).slice(1, 0, cells).view({B, A, H, W});
  };
  const auto ones = torch::ones_like(gx);
  const auto log_size = (size / anchors.index_select(0, best.flatten()).view({B, M, 2}) + 1e-16).log();
  YoloTargets targets{.mask = put(ones), .empty = {}, .x = put(gx - column), .y = put(gy - row), .w = put(log_size.select(-1, 0)), .h = put(log_size.select(-1, 1)), .classes = {}};
  const auto each = torch::arange(A, cell.options());
  const auto alike = torch::where(real.unsqueeze(-1) & (overlap > 0.5), each * (H * W) + cell.unsqueeze(-1), dropped);  // (B, M, A)
  targets.empty = torch::ones({B, cells + 1}, boxes.options()).scatter_(1, alike.flatten(1), 0).slice(1, 0, cells).view({B, A, H, W});
  if (one_grid) targets.empty = targets.empty * (1 - targets.mask);
  std::vector<Tensor> classes;
  for (int64_t c = 0; c < config.classes; ++c) classes.push_back(put((boxes.select(-1, 0) == c).to(boxes.scalar_type())));
  targets.classes = torch::stack(classes, -1);
  return targets;
}

namespace detail {

inline Tensor cross_entropy(const Tensor& probability, const Tensor& target) { return at::binary_cross_entropy(probability, target); }

inline YoloTerms yolo_terms(const Tensor& raw, const YoloTargets& t) {  // raw (B, 3, H, W, 5 + C)
  const auto squared = [&](const Tensor& value, const Tensor& target) { return at::mse_loss(value * t.mask, target * t.mask); };
  const auto surety = raw.select(-1, 4).sigmoid();
  const auto mask = t.mask.unsqueeze(-1);
  YoloTerms terms{.x = cross_entropy(raw.select(-1, 0).sigmoid() * t.mask, t.x * t.mask),
                  .y = cross_entropy(raw.select(-1, 1).sigmoid() * t.mask, t.y * t.mask),
                  .w = squared(raw.select(-1, 2), t.w),
                  .h = squared(raw.select(-1, 3), t.h),
                  .confidence = cross_entropy(surety * t.mask, t.mask) + 0.5 * cross_entropy(surety * t.empty, torch::zeros_like(t.empty)),
                  .classes = cross_entropy((raw.slice(-1, 5).sigmoid() * mask).to(torch::kFloat32), (t.classes * mask).to(torch::kFloat32)),
                  .total = {}};
  terms.total = 2.5 * (terms.x + terms.y) + 2.5 * (terms.w + terms.h) + terms.confidence + terms.classes;
  return terms;
}

}  // namespace detail

// outputs: of Yolo's forward. boxes: as for yolo_targets, on the outputs' device.
[[nodiscard]] inline YoloLoss yolo_loss(const YoloConfig& config, const std::vector<Tensor>& outputs, const Tensor& boxes,
                                        YoloArithmetic arithmetic = YoloArithmetic::single) {
  MGCA_CHECK(!outputs.empty(), "yolo: no outputs");
  const auto scope = ops::exact_scope(outputs.front());
  YoloLoss loss;
  for (std::size_t g = 0; g < outputs.size(); ++g) {
    const auto output = ops::exact(outputs[g]);
    const auto precision = arithmetic == YoloArithmetic::published ? torch::kFloat64 : output.scalar_type();
    const auto targets = yolo_targets(config, static_cast<int64_t>(g), output, boxes.to(precision));
    loss.grids.push_back(detail::yolo_terms(yolo_boxes(config, output).to(precision), targets));
    loss.total = loss.total.defined() ? loss.total + loss.grids.back().total : loss.grids.back().total;
  }
  return loss;
}

}  // namespace heads
}  // namespace mgca

// Losses of masks: pixels one by one (focal), and the overlap of the whole batch (Dice).
// Few pixels of a radiograph are marked: the focal term turns away from the many easy ones, the Dice term does not see them.
// References: Lin et al. 2017 (focal loss); Milletari et al. 2016 (Dice). Official code: 10 * focal - ln(Dice).
#pragma once

#include <mgca/core/enum.hpp>
#include <mgca/core/error.hpp>
#include <mgca/ops/unit.hpp>
#include <mgca/tensor/collectives.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace mgca::ops {

enum class DiceTerm : uint8_t {
  negative_log,  // -ln Dice, as published: steep where little overlaps
  one_minus,     // 1 - Dice, which readers of "Dice loss" expect
};
constexpr auto names_of(DiceTerm) { return std::to_array<std::string_view>({"negative_log", "one_minus"}); }

struct MaskLossOptions {
  double focal_weight = 10;
  double gamma = 2;  // how far the focal term turns away from easy pixels
  DiceTerm dice = DiceTerm::negative_log;

  static void describe(auto& self, auto&& field) {
    field("focal_weight", self.focal_weight, "weight of the focal term");
    field("gamma", self.gamma, "how far the focal term turns away from easy pixels");
    field("dice", self.dice, "what is made of the Dice coefficient");
  }
  void validate() const {
    MGCA_CHECK(focal_weight >= 0 && gamma >= 0, "mask_loss: expected focal_weight and gamma of 0 or more, got ", focal_weight, " and ",
               gamma);
  }
};

struct MaskLoss {
  Tensor total, focal, dice;  // scalars; dice: the coefficient, 1 where all is right
};

// Logits and targets of any one shape. Targets lie in [0, 1], soft edges included; NaN: a pixel nobody decided, which has part in neither
// term nor gradient. Means and sums are over all pixels of the batch; without any known pixel focal is 0 and dice is 1. In single precision
// at least, also inside autocast. `peers`: ranks that hold the other parts of the batch; each gets the loss of the whole of it.
[[nodiscard]] inline MaskLoss mask_loss(const Tensor& logits, const Tensor& target, const MaskLossOptions& options = {}, ProcessGroup* peers = nullptr) {
  MGCA_CHECK(logits.sizes() == target.sizes() && logits.numel() > 0, "mask_loss: expected logits and targets of one shape, got ",
             logits.sizes(), " and ", target.sizes());
  options.validate();
  const auto scope = exact_scope(logits);
  const auto x = exact(logits);
  const auto known = target.isfinite();
  const auto t = torch::where(known, target, torch::zeros_like(target)).to(x.scalar_type());
  const auto easy = torch::log_sigmoid(x * (1 - 2 * t)) * options.gamma;  // how sure the right answer is already
  const auto each = easy.exp() * torch::binary_cross_entropy_with_logits(x, t, {}, {}, at::Reduction::None);
  const auto p = x.sigmoid() * known;
  MaskLoss out;
  const auto sums = summed(torch::stack({(each * known).sum(), known.sum().to(x.scalar_type()), (p * t).sum(), p.sum(), t.sum()}), peers);
  out.focal = sums[0] / sums[1].clamp_min(1);
  out.dice = (2 * sums[2] + 1) / (sums[3] + sums[4] + 1);
  out.total = options.focal_weight * out.focal + (options.dice == DiceTerm::negative_log ? -out.dice.log() : 1 - out.dice);
  return out;
}

}  // namespace mgca::ops

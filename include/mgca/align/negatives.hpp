// Several ranks that train one model: whose samples are compared with each other, and how the losses of all become one.
// Every rank's losses are such that their mean over ranks is the loss of the joined batch, and so is the mean of the gradients. What compares
// samples is computed on all of them by every rank; what looks at each sample alone stays on its rank and shares only what it divides by.
#pragma once

#include <mgca/core/profile.hpp>
#include <mgca/tensor/collectives.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace mgca {

enum class Negatives : uint8_t {
  per_rank,  // of each rank alone, as in the published code: what micro_group gives in one process
  gathered,  // of all ranks: what one process has with the joined batch
};
constexpr auto names_of(Negatives) { return std::to_array<std::string_view>({"per_rank", "gathered"}); }

// Of a configuration that leaves the choice to the profile.
[[nodiscard]] constexpr Negatives negatives_of(std::optional<Negatives> chosen, Profile profile) {
  return chosen.value_or(alignment_quirks(profile).negatives_per_rank ? Negatives::per_rank : Negatives::gathered);
}

namespace align {

// The ranks whose samples are compared with those of this one; nullptr: nobody's.
[[nodiscard]] inline ProcessGroup* compared(Negatives negatives, ProcessGroup* peers) { return negatives == Negatives::gathered ? peers : nullptr; }

// Both sides' rows of all ranks in their order, with gradient: (B, D) each to (ranks B, D).
[[nodiscard]] inline std::pair<Tensor, Tensor> gathered_pairs(const Tensor& first, const Tensor& second, ProcessGroup* peers) {
  if (peers == nullptr) return {first, second};
  const auto both = gathered(torch::cat({first, second}, 1), peers);
  return {both.narrow(1, 0, first.size(1)), both.narrow(1, first.size(1), second.size(1))};
}

}  // namespace align
}  // namespace mgca

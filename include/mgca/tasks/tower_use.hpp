// What training a decoder or a detector does to the tower below it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace mgca {

enum class TowerUse : uint8_t {
  frozen,           // weights stay, and so do the statistics of its norms
  frozen_drifting,  // weights stay, but its norms use and remember the statistics of each batch, as published for ResNets
  trained,
};
constexpr auto names_of(TowerUse) { return std::to_array<std::string_view>({"frozen", "frozen_drifting", "trained"}); }

}  // namespace mgca

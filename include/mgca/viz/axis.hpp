// What a chart is told about one of its axes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mgca {

enum class AxisScale : std::uint8_t { linear, log10 };
constexpr auto names_of(AxisScale) { return std::to_array<std::string_view>({"linear", "log10"}); }

struct Axis {
  std::string label = {};
  std::optional<double> low = {}, high = {};  // nothing: the data's, moved out to a round value
  AxisScale scale = AxisScale::linear;
};

}  // namespace mgca

// Masks as runs of marked pixels.
#pragma once

#include <cstdint>
#include <vector>

namespace mgca {

// The runs of a mask, column by column: pixel (y, x) stands at x * height + y.
struct RunLengthMask {
  struct Run {
    std::int64_t start, length;  // places, counted from 0
    friend bool operator==(const Run&, const Run&) = default;
  };
  std::int64_t height = 0, width = 0;
  std::vector<Run> runs;  // ascending, not touching each other
  friend bool operator==(const RunLengthMask&, const RunLengthMask&) = default;
};

}  // namespace mgca

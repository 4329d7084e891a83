// Masks as pixels, boxes and runs: painted, found, united, measured.
#pragma once

#include <mgca/core/box.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/image/rle.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace mgca::image {

namespace detail {

// Sorts runs and joins those that overlap or touch.
inline std::vector<RunLengthMask::Run> joined(std::vector<RunLengthMask::Run> runs) {
  std::sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
  std::vector<RunLengthMask::Run> out;
  for (const auto& run : runs) {
    if (!out.empty() && run.start <= out.back().start + out.back().length) {
      out.back().length = std::max(out.back().length, run.start + run.length - out.back().start);
    } else {
      out.push_back(run);
    }
  }
  return out;
}

}  // namespace detail

// Number of marked pixels.
[[nodiscard]] inline std::int64_t area(const RunLengthMask& mask) {
  std::int64_t sum = 0;
  for (const auto& run : mask.runs) sum += run.length;
  return sum;
}

// An image of 0 and, where marked, `value`. Throws as require_valid.
[[nodiscard]] inline GreyImage painted(const RunLengthMask& mask, std::uint8_t value = 255) {
  require_valid(mask);
  GreyImage out({.height = mask.height, .width = mask.width});
  const auto flip = [&](std::int64_t y, std::int64_t x) { out.at(y, x) = static_cast<std::uint8_t>(out.at(y, x) ^ value); };
  for (const auto& run : mask.runs) {  // where a column changes ...
    for (auto at = run.start; at < run.start + run.length;) {
      const auto x = at / mask.height, y = at % mask.height, rows = std::min(mask.height - y, run.start + run.length - at);
      flip(y, x);
      if (y + rows < mask.height) flip(y + rows, x);
      at += rows;
    }
  }
  for (std::int64_t y = 1; y < mask.height; ++y) {  // ... and, row by row, what it then is
    const auto above = out.plane().row(y - 1), row = out.plane().row(y);
    std::transform(row.begin(), row.end(), above.begin(), row.begin(), [](auto a, auto b) { return static_cast<std::uint8_t>(a ^ b); });
  }
  return out;
}

// What is not 0 in one channel is marked.
[[nodiscard]] inline RunLengthMask mask_of(const Plane<const std::uint8_t>& plane) {
  detail::MaskBuilder runs({.height = plane.height, .width = plane.width, .channels = plane.channels});
  std::vector<std::vector<std::int64_t>> changes(static_cast<std::size_t>(plane.width));  // rows at which a column changes
  for (std::int64_t y = 0; y < plane.height; ++y) {
    const auto row = plane.row(y), above = plane.row(std::max<std::int64_t>(y - 1, 0));
    for (std::size_t x = 0; x < row.size(); ++x) {
      if ((row[x] != 0) != (y > 0 && above[x] != 0)) changes[x].push_back(y);
    }
  }
  std::int64_t top = 0;  // of the column
  for (auto& rows : changes) {
    if (rows.size() % 2 == 1) rows.push_back(plane.height);
    for (std::size_t i = 0; i < rows.size(); i += 2) runs.add(top + rows[i] - runs.end(), rows[i + 1] - rows[i]);
    top += plane.height;
  }
  return runs.mask();
}

// What is marked in any of the masks. Throws Error(argument) unless there is one and all have its size.
[[nodiscard]] inline RunLengthMask united(std::span<const RunLengthMask> masks) {
  MGCA_CHECK(!masks.empty(), "run-length mask: expected at least one mask to unite");
  RunLengthMask out{.height = masks[0].height, .width = masks[0].width, .runs = {}};
  for (const auto& mask : masks) {
    require_valid(mask);
    MGCA_CHECK(mask.height == out.height && mask.width == out.width, "run-length mask: cannot unite ", mask.height, " x ", mask.width,
               " with ", out.height, " x ", out.width);
    out.runs.insert(out.runs.end(), mask.runs.begin(), mask.runs.end());
  }
  out.runs = detail::joined(std::move(out.runs));
  return out;
}

// The union of boxes whose corners are cut to whole numbers, as published for RSNA. Throws Error(argument) for a box that is not
// inside the image.
[[nodiscard]] inline RunLengthMask mask_of_boxes(std::span<const Box> boxes, const ImageSize& size) {
  (void)detail::pixels_of(size);  // checks the size
  RunLengthMask out{.height = size.height, .width = size.width, .runs = {}};
  for (const auto& box : boxes) {
    const auto right = static_cast<double>(size.width), bottom = static_cast<double>(size.height);
    MGCA_CHECK(box.x1 >= 0 && box.y1 >= 0 && box.x1 <= box.x2 && box.y1 <= box.y2 && box.x2 <= right && box.y2 <= bottom,
               "mask of boxes: box ", box.x1, " ", box.y1, " ", box.x2, " ", box.y2, " is not inside ", size.height, " x ", size.width,
               " pixels");
    const auto top = static_cast<std::int64_t>(box.y1), rows = static_cast<std::int64_t>(box.y2) - top;
    const auto left = static_cast<std::int64_t>(box.x1), past = static_cast<std::int64_t>(box.x2);
    for (auto x = left; rows > 0 && x < past; ++x) out.runs.push_back({x * size.height + top, rows});
  }
  out.runs = detail::joined(std::move(out.runs));
  return out;
}

}  // namespace mgca::image

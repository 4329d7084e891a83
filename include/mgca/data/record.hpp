// What a study is: a radiograph, its report, whose it is, and what is known about it.
#pragma once

#include <mgca/core/box.hpp>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace mgca {

// A label nobody decided: neither present nor absent.
inline constexpr float kUnknownLabel = std::numeric_limits<float>::quiet_NaN();

struct LabelledBox {
  std::string label;
  Box box;  // pixels of the image file
};

struct Study {
  std::int64_t row = 0;         // where it stands in its table, counted from 1: how messages name it
  std::filesystem::path image;  // empty for studies that are made, not read
  std::string report;           // never shown in messages
  std::string patient;          // never shown in messages
  std::string split;            // "train", "valid", "test", or empty
  std::vector<float> labels;    // in the data set's order: 1 present, 0 absent, NaN unknown
  std::vector<LabelledBox> boxes;
};

}  // namespace mgca

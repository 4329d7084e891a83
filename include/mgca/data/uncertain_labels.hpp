// The five findings by which CheXpert's labels are usually judged, and what an uncertain label becomes.
// Labellers of reports write 1 (present), 0 (absent), -1 (uncertain) or nothing (not mentioned). The mixed rule counts what is not
// mentioned as absent and decides uncertain labels finding by finding.
// Reference: Irvin et al. 2019, CheXpert: which of U-Ones and U-Zeros validates better for each finding.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/nearest.hpp>

#include <array>
#include <optional>
#include <string_view>

namespace mgca::data {

// In the order in which labels of CheXpert and MIMIC-CXR are written.
inline constexpr std::array<std::string_view, 5> kFiveFindings{"Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Pleural Effusion"};

// The label, 0 or 1, of a cell by the mixed rule; nothing for a value that is none of 1, 0, -1 and blank.
// Throws Error(argument) for a finding that is not one of the five.
[[nodiscard]] inline std::optional<float> map_uncertain(std::string_view finding, std::optional<double> value) {
  constexpr std::array<float, 5> when_uncertain{1, 0, 0, 1, 1};
  for (std::size_t i = 0; i < kFiveFindings.size(); ++i) {
    if (kFiveFindings[i] != finding) continue;
    if (!value || *value == 0) return 0.0F;
    if (*value == 1) return 1.0F;
    if (*value == -1) return when_uncertain[i];
    return std::nullopt;
  }
  fail(ErrorKind::argument, "uncertain labels: no rule for the finding '", finding, "'", nearest_hint(finding, kFiveFindings));
}

}  // namespace mgca::data

// Ranks in words, for messages.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mgca {

// "rank 3", "ranks 1 and 3", "ranks 0 to 5, 7 and 9". `ranks` ascend; there is one at least.
[[nodiscard]] inline std::string rank_names(std::span<const std::int64_t> ranks) {
  std::vector<std::string> parts;
  for (std::size_t first = 0, next = 0; first < ranks.size(); first = next) {
    for (next = first + 1; next < ranks.size() && ranks[next] == ranks[next - 1] + 1;) ++next;
    if (next - first < 3) next = first + 1;  // two in a row are told one by one
    parts.push_back(std::to_string(ranks[first]) + (next - first > 1 ? " to " + std::to_string(ranks[next - 1]) : ""));
  }
  std::string text = ranks.size() > 1 ? "ranks " : "rank ";
  for (std::size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  return text;
}

}  // namespace mgca

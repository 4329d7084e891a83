// "Did you mean ...?": the known name nearest to an unknown one, by edit distance.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mgca {

// Levenshtein distance in bytes.
[[nodiscard]] inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substituted});
    }
  }
  return row.back();
}

// The known name nearest to `name`, the first of equals; nothing where none is known. Cheaper than sorting them all.
template <class Names>
[[nodiscard]] std::optional<std::string> nearest_one(std::string_view name, const Names& known) {
  std::optional<std::string> best;
  std::size_t distance = 0;
  for (const auto& item : known) {
    std::string_view a = name, b = item;
    if (best && std::max(a.size(), b.size()) - std::min(a.size(), b.size()) >= distance) continue;
    while (!a.empty() && !b.empty() && a.front() == b.front()) a.remove_prefix(1), b.remove_prefix(1);  // what both share costs nothing
    while (!a.empty() && !b.empty() && a.back() == b.back()) a.remove_suffix(1), b.remove_suffix(1);
    const auto found = edit_distance(a, b);
    if (best && found >= distance) continue;
    best = std::string(item);
    distance = found;
  }
  return best;
}

// The known names, nearest to `name` first; names equally near keep their order.
template <class Names>
[[nodiscard]] std::vector<std::string> nearest(std::string_view name, const Names& known) {
  std::vector<std::string> sorted(std::begin(known), std::end(known));
  std::stable_sort(sorted.begin(), sorted.end(), [&](const auto& a, const auto& b) {
    return edit_distance(name, a) < edit_distance(name, b);
  });
  return sorted;
}

// The end of an error message: "; did you mean 'depth'? Known: depth, width, heads".
template <class Names>
[[nodiscard]] std::string nearest_hint(std::string_view name, const Names& known) {
  const auto sorted = nearest(name, known);
  if (sorted.empty()) return "; nothing is known here";
  std::string hint = "; ";
  if (edit_distance(name, sorted.front()) <= std::max<std::size_t>(2, name.size() / 3)) {
    hint += "did you mean '" + sorted.front() + "'? ";
  }
  hint += "Known: ";
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i == 12) return hint + ", ... (" + std::to_string(sorted.size()) + " in all)";
    hint += (i == 0 ? "" : ", ") + sorted[i];
  }
  return hint;
}

}  // namespace mgca

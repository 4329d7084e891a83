// Scores and labels of several classes side by side, checked once; and the mean over classes that says how many of them
// were defined. A class whose test split holds one label only has no AUROC, and a mean that hides this is not
// comparable.
#pragma once

#include <mgca/core/error.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace mgca {

// Row-major (N, C): a row per sample, a column per class.
struct ScoreTable {
  std::span<const float> scores = {};
  std::span<const std::uint8_t> labels = {};  // 0 or 1
  std::int64_t classes = 1;
  std::span<const std::uint8_t> known = {};  // 1 where the label is known; empty: everywhere

  [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(scores.size()) / classes; }
};

// One column of a table without its unknown labels.
struct ScoreColumn {
  std::vector<float> scores;
  std::vector<std::uint8_t> labels;
};

struct MacroMean {
  std::optional<double> mean;  // over the defined classes; nothing if there are none
  std::int64_t defined = 0;    // classes that entered the mean
  std::vector<std::optional<double>> per_class;

  [[nodiscard]] std::int64_t classes() const { return static_cast<std::int64_t>(per_class.size()); }
};

}  // namespace mgca

namespace mgca::metrics {

// Throws Error(argument) for lengths that differ, a label beyond 0 and 1, or a score that is NaN, naming the position.
inline void check_scores(std::span<const float> scores, std::span<const std::uint8_t> labels) {
  MGCA_CHECK(scores.size() == labels.size(), "metrics: expected one label per score, got ", scores.size(),
             " scores and ", labels.size(), " labels");
  std::size_t bad = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    bad += static_cast<std::size_t>(scores[i] != scores[i]) + static_cast<std::size_t>(labels[i] > 1);
  }
  if (bad == 0) return;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    MGCA_CHECK(!std::isnan(scores[i]), "metrics: score ", i, " is NaN; a model that diverged has no metric");
    MGCA_CHECK(labels[i] <= 1, "metrics: label ", i, " is ", int{labels[i]},
               ", expected 0 or 1; leave unknown labels out (ScoreTable::known)");
  }
}

inline void check_table(const ScoreTable& table) {
  MGCA_CHECK(table.classes > 0, "metrics: expected 1 class or more, got ", table.classes);
  MGCA_CHECK(table.scores.size() % static_cast<std::size_t>(table.classes) == 0, "metrics: ", table.scores.size(),
             " scores are no whole rows of ", table.classes, " classes");
  MGCA_CHECK(table.scores.size() == table.labels.size(), "metrics: expected one label per score, got ",
             table.scores.size(), " scores and ", table.labels.size(), " labels");
  MGCA_CHECK(table.known.empty() || table.known.size() == table.labels.size(), "metrics: the mask of known labels has ",
             table.known.size(), " entries for ", table.labels.size(), " labels");
}

[[nodiscard]] inline ScoreColumn column(const ScoreTable& table, std::int64_t index) {
  check_table(table);
  MGCA_CHECK(index >= 0 && index < table.classes, "metrics: class ", index, " of ", table.classes, " was asked for");
  const auto step = static_cast<std::size_t>(table.classes), first = static_cast<std::size_t>(index);
  const auto rows = table.scores.size() / step;
  ScoreColumn result{std::vector<float>(rows), std::vector<std::uint8_t>(rows)};
  std::size_t kept = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    result.scores[kept] = table.scores[i * step + first];
    result.labels[kept] = table.labels[i * step + first];
    kept += table.known.empty() || table.known[i * step + first] != 0 ? 1 : 0;
  }
  result.scores.resize(kept);
  result.labels.resize(kept);
  return result;
}

[[nodiscard]] inline MacroMean macro_mean(std::vector<std::optional<double>> per_class) {
  MacroMean result;
  double sum = 0;
  for (const auto& value : per_class) {
    if (!value) continue;
    sum += *value;
    ++result.defined;
  }
  if (result.defined > 0) result.mean = sum / static_cast<double>(result.defined);
  result.per_class = std::move(per_class);
  return result;
}

// `statistic(scores, labels)` of every class: macro_mean(table, roc_auc).
template <class Statistic>
[[nodiscard]] MacroMean macro_mean(const ScoreTable& table, Statistic&& statistic) {
  check_table(table);
  std::vector<std::optional<double>> per_class;
  for (std::int64_t c = 0; c < table.classes; ++c) {
    const auto values = column(table, c);
    per_class.push_back(statistic(std::span<const float>(values.scores), std::span<const std::uint8_t>(values.labels)));
  }
  return macro_mean(std::move(per_class));
}

}  // namespace mgca::metrics

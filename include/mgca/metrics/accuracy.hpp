// How often the right one of several classes comes first, or among the first k, over all and per class.
// Ties count against the model: a constant output earns nothing.
#pragma once

#include <mgca/core/plane.hpp>
#include <mgca/metrics/score_table.hpp>

#include <algorithm>

namespace mgca {

// How often each true class (row) was taken for each predicted class (column).
struct ConfusionMatrix {
  std::int64_t classes = 0;
  std::vector<std::int64_t> counts;  // (C, C) row-major

  [[nodiscard]] std::int64_t at(std::int64_t truth, std::int64_t predicted) const {
    return counts[static_cast<std::size_t>(truth * classes + predicted)];
  }
  [[nodiscard]] std::int64_t samples(std::int64_t truth) const {
    std::int64_t sum = 0;
    for (std::int64_t p = 0; p < classes; ++p) sum += at(truth, p);
    return sum;
  }
  // The part of each class that was recognised; nothing for a class without samples.
  [[nodiscard]] std::vector<std::optional<double>> per_class() const {
    std::vector<std::optional<double>> parts;
    for (std::int64_t c = 0; c < classes; ++c) {
      const auto all = samples(c);
      parts.push_back(all == 0 ? std::nullopt
                               : std::optional(static_cast<double>(at(c, c)) / static_cast<double>(all)));
    }
    return parts;
  }
  // Nothing without samples.
  [[nodiscard]] std::optional<double> accuracy() const {
    std::int64_t all = 0, right = 0;
    for (std::int64_t c = 0; c < classes; ++c) all += samples(c), right += at(c, c);
    return all == 0 ? std::nullopt : std::optional(static_cast<double>(right) / static_cast<double>(all));
  }
  // Correlation of true and predicted class (Gorodkin, 2004); for two classes that of Matthews. Nothing where all samples are of one
  // class or predicted as one.
  [[nodiscard]] std::optional<double> mcc() const {
    double all = 0, right = 0, together = 0, of_truth = 0, of_calls = 0;
    for (std::int64_t c = 0; c < classes; ++c) {
      const auto truth = static_cast<double>(samples(c));
      double calls = 0;
      for (std::int64_t t = 0; t < classes; ++t) calls += static_cast<double>(at(t, c));
      all += truth;
      right += static_cast<double>(at(c, c));
      together += truth * calls;
      of_truth += truth * truth;
      of_calls += calls * calls;
    }
    const double product = (all * all - of_truth) * (all * all - of_calls);
    return product > 0 ? std::optional((right * all - together) / std::sqrt(product)) : std::nullopt;
  }
};

}  // namespace mgca

namespace mgca::metrics {
namespace detail {

inline void check_classes(const Plane<const float>& scores, std::span<const std::int64_t> labels) {
  MGCA_CHECK(scores.channels == 1 && scores.width > 0 && scores.height > 0 &&
                 scores.pixels.size() == static_cast<std::size_t>(scores.height * scores.width),
             "accuracy: expected scores (N, C) with one row per sample, got ", scores.height, " x ", scores.width,
             " x ", scores.channels, " over ", scores.pixels.size(), " values");
  MGCA_CHECK(labels.size() == static_cast<std::size_t>(scores.height), "accuracy: ", labels.size(), " labels for ",
             scores.height, " rows of scores");
  for (std::int64_t i = 0; i < scores.height; ++i) {
    const auto label = labels[static_cast<std::size_t>(i)];
    MGCA_CHECK(label >= 0 && label < scores.width, "accuracy: label ", label, " in row ", i, " is no class of 0 .. ",
               scores.width - 1);
    for (const float score : scores.row(i)) {
      MGCA_CHECK(!std::isnan(score), "accuracy: a score of row ", i, " is NaN");
    }
  }
}

}  // namespace detail

// The part of the rows (N, C) whose own class has fewer than k others at or above it, in [0, 1].
// Throws Error(argument) for no rows, NaN, labels outside the classes and k outside 1 .. C.
[[nodiscard]] inline double top_k(Plane<const float> scores, std::span<const std::int64_t> labels, std::int64_t k = 1) {
  detail::check_classes(scores, labels);
  MGCA_CHECK(k >= 1 && k <= scores.width, "top_k: expected k in 1 .. ", scores.width, ", got ", k);
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < scores.height; ++i) {
    const auto row = scores.row(i);
    const float own = row[static_cast<std::size_t>(labels[static_cast<std::size_t>(i)])];
    const auto not_below = std::count_if(row.begin(), row.end(), [&](float score) { return score >= own; });
    right += not_below <= k ? 1 : 0;  // the own score is one of them
  }
  return static_cast<double>(right) / static_cast<double>(scores.height);
}

// The predicted class is the first of the highest scores.
[[nodiscard]] inline ConfusionMatrix confusion_matrix(Plane<const float> scores, std::span<const std::int64_t> labels) {
  detail::check_classes(scores, labels);
  ConfusionMatrix matrix{.classes = scores.width,
                         .counts = std::vector<std::int64_t>(static_cast<std::size_t>(scores.width * scores.width))};
  for (std::int64_t i = 0; i < scores.height; ++i) {
    const auto row = scores.row(i);
    const auto predicted = std::max_element(row.begin(), row.end()) - row.begin();
    ++matrix.counts[static_cast<std::size_t>(labels[static_cast<std::size_t>(i)] * scores.width + predicted)];
  }
  return matrix;
}

// Mean negative log of the softmax probability of the own class, natural logarithm.
[[nodiscard]] inline double cross_entropy(Plane<const float> logits, std::span<const std::int64_t> labels) {
  detail::check_classes(logits, labels);
  double sum = 0;
  for (std::int64_t i = 0; i < logits.height; ++i) {
    const auto row = logits.row(i);
    const double highest = *std::max_element(row.begin(), row.end());
    double total = 0;
    for (const float logit : row) total += std::exp(static_cast<double>(logit) - highest);
    const double own = row[static_cast<std::size_t>(labels[static_cast<std::size_t>(i)])];
    sum += highest + std::log(total) - own;
  }
  return sum / static_cast<double>(logits.height);
}

// The part of the rows in which every label is called right at the threshold (score strictly above: positive).
[[nodiscard]] inline double exact_match(const ScoreTable& table, float threshold = 0.5F) {
  check_table(table);
  check_scores(table.scores, table.labels);
  MGCA_CHECK(table.known.empty(), "exact_match: needs every label of a row; leave rows with unknown labels out");
  MGCA_CHECK(table.rows() > 0, "exact_match: the table has no rows");
  const auto width = static_cast<std::size_t>(table.classes);
  std::int64_t right = 0;
  for (std::size_t start = 0; start < table.scores.size(); start += width) {
    bool all = true;
    for (std::size_t i = start; i < start + width; ++i) all &= (table.scores[i] > threshold) == (table.labels[i] == 1);
    right += all ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(table.rows());
}

}  // namespace mgca::metrics

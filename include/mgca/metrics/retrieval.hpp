// Where the own report of an image stands among all reports, and the reverse.
// Ties count against us: a model that maps everything to one point ranks every item last, not first.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mgca {

// The rank of the best right answer of each query, 1 is first.
struct RankList {
  std::vector<std::int64_t> ranks;
  std::int64_t candidates = 0;       // answers each query could choose from
  std::vector<std::int64_t> right;   // how many of them are right, of each query

  // The part of the queries answered right among the first k, in [0, 1].
  [[nodiscard]] double recall(std::int64_t k) const {
    MGCA_CHECK(k >= 1 && !ranks.empty(), "retrieval: recall@", k, " of ", ranks.size(), " queries");
    const auto hits = std::count_if(ranks.begin(), ranks.end(), [&](std::int64_t rank) { return rank <= k; });
    return static_cast<double>(hits) / static_cast<double>(ranks.size());
  }
  [[nodiscard]] double median() const {
    MGCA_CHECK(!ranks.empty(), "retrieval: no queries, no median rank");
    auto sorted = ranks;
    std::sort(sorted.begin(), sorted.end());
    return (static_cast<double>(sorted[(sorted.size() - 1) / 2]) + static_cast<double>(sorted[sorted.size() / 2])) / 2;
  }
  [[nodiscard]] double mean() const {
    MGCA_CHECK(!ranks.empty(), "retrieval: no queries, no mean rank");
    double sum = 0;
    for (const auto rank : ranks) sum += static_cast<double>(rank);
    return sum / static_cast<double>(ranks.size());
  }
  // What answers in random order would reach: one query at rank 1 + (wrong answers before the first right one).
  [[nodiscard]] double chance_recall(std::int64_t k) const {
    check_right();
    double sum = 0;
    for (const auto right_ones : right) {
      double all_wrong = 1;  // the first k
      for (std::int64_t i = 0; i < k && all_wrong > 0; ++i)
        all_wrong *= static_cast<double>(std::max<std::int64_t>(0, candidates - right_ones - i)) / static_cast<double>(candidates - i);
      sum += 1 - all_wrong;
    }
    return sum / static_cast<double>(right.size());
  }
  [[nodiscard]] double chance_mean() const {
    check_right();
    double sum = 0;
    for (const auto right_ones : right) sum += 1 + static_cast<double>(candidates - right_ones) / static_cast<double>(right_ones + 1);
    return sum / static_cast<double>(right.size());
  }
  [[nodiscard]] double mean_reciprocal() const {
    MGCA_CHECK(!ranks.empty(), "retrieval: no queries, no mean reciprocal rank");
    double sum = 0;
    for (const auto rank : ranks) sum += 1.0 / static_cast<double>(rank);
    return sum / static_cast<double>(ranks.size());
  }

 private:
  void check_right() const {
    MGCA_CHECK(!ranks.empty() && right.size() == ranks.size(), "retrieval: ", right.size(), " counts of right answers for ", ranks.size(), " queries");
  }
};

struct Retrieval {
  RankList image_to_text;  // rows ask, columns answer
  RankList text_to_image;  // columns ask, rows answer
};

// Which answers count. Without groups the answer to row i is column i alone. With groups every column of the row's
// group counts, for example all reports with the same text, which no model can tell apart.
struct Relevance {
  std::span<const std::int64_t> image_groups = {};
  std::span<const std::int64_t> text_groups = {};
};

}  // namespace mgca

namespace mgca::metrics {
namespace detail {

// One query against all candidates: 1 + the wrong answers at or above the best right one. Returns whether there is a right one.
template <class Score, class Right>
bool answer(RankList& list, const Score& score, const Right& right) {
  std::int64_t right_ones = 0;
  float best = 0;
  for (std::int64_t j = 0; j < list.candidates; ++j) {
    if (!right(j)) continue;
    best = right_ones++ > 0 ? std::max(best, score(j)) : score(j);
  }
  std::int64_t rank = 1;
  for (std::int64_t j = 0; j < list.candidates; ++j) rank += score(j) >= best && !right(j) ? 1 : 0;
  list.ranks.push_back(rank);
  list.right.push_back(right_ones);
  return right_ones > 0;
}

}  // namespace detail

// similarity: a row per image, a column per text; higher is nearer.
// Throws Error(argument) for an empty or NaN matrix, one that is not square while there are no groups, and a query
// without any right answer.
[[nodiscard]] inline Retrieval retrieval(Plane<const float> similarity, const Relevance& relevance = {}) {
  const auto rows = similarity.height, columns = similarity.width;
  MGCA_CHECK(rows > 0 && columns > 0 && similarity.channels == 1 &&
                 similarity.pixels.size() == static_cast<std::size_t>(rows * columns),
             "retrieval: expected a similarity matrix (images, texts), got ", rows, " x ", columns, " x ",
             similarity.channels, " over ", similarity.pixels.size(), " values");
  const auto& [images, texts] = relevance;
  const bool grouped = !images.empty() || !texts.empty();
  MGCA_CHECK(grouped || rows == columns, "retrieval: ", rows, " images and ", columns,
             " texts are no pairs; say which belong together by groups");
  MGCA_CHECK(!grouped ||
                 (images.size() == static_cast<std::size_t>(rows) && texts.size() == static_cast<std::size_t>(columns)),
             "retrieval: expected a group for each of ", rows, " images and ", columns, " texts, got ", images.size(),
             " and ", texts.size());
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      MGCA_CHECK(!std::isnan(similarity.at(i, j)), "retrieval: the similarity in row ", i, ", column ", j, " is NaN");
    }
  }
  const auto right = [&](std::int64_t i, std::int64_t j) {
    return grouped ? images[static_cast<std::size_t>(i)] == texts[static_cast<std::size_t>(j)] : i == j;
  };
  Retrieval result;
  result.image_to_text.candidates = columns;
  result.text_to_image.candidates = rows;
  for (std::int64_t i = 0; i < rows; ++i) {
    const bool answered = detail::answer(
        result.image_to_text, [&](std::int64_t j) { return similarity.at(i, j); }, [&](std::int64_t j) { return right(i, j); });
    MGCA_CHECK(answered, "retrieval: image ", i, " has no text of its group; leave it out or correct the groups");
  }
  for (std::int64_t j = 0; j < columns; ++j) {
    const bool answered = detail::answer(
        result.text_to_image, [&](std::int64_t i) { return similarity.at(i, j); }, [&](std::int64_t i) { return right(i, j); });
    MGCA_CHECK(answered, "retrieval: text ", j, " has no image of its group; leave it out or correct the groups");
  }
  return result;
}

// Of the k nearest answers of each query (row), the part that is relevant: the precision at k of category retrieval (ConVIRT, table 4).
// Ties count against the model: of equal answers the irrelevant come first. `relevant(i, j)` says whether answer j suits query i.
// Throws Error(argument) for an empty or NaN matrix and k beyond the answers.
template <class Relevant>
[[nodiscard]] std::vector<double> precision_at(Plane<const float> similarity, std::int64_t k, const Relevant& relevant) {
  MGCA_CHECK(similarity.height > 0 && similarity.channels == 1 && similarity.pixels.size() == static_cast<std::size_t>(similarity.height * similarity.width),
             "precision_at: expected a similarity matrix, got ", similarity.height, " x ", similarity.width, " x ", similarity.channels, " over ",
             similarity.pixels.size(), " values");
  MGCA_CHECK(k >= 1 && k <= similarity.width, "precision_at: expected k in 1 .. ", similarity.width, ", got ", k);
  std::vector<double> parts;
  std::vector<std::pair<float, bool>> answers(static_cast<std::size_t>(similarity.width));
  for (std::int64_t i = 0; i < similarity.height; ++i) {
    for (std::int64_t j = 0; j < similarity.width; ++j) {
      const float score = similarity.at(i, j);
      MGCA_CHECK(!std::isnan(score), "precision_at: the similarity in row ", i, ", column ", j, " is NaN");
      answers[static_cast<std::size_t>(j)] = {-score, relevant(i, j)};  // nearest first, irrelevant first among equals
    }
    std::nth_element(answers.begin(), answers.begin() + (k - 1), answers.end());
    const auto right = std::count_if(answers.begin(), answers.begin() + k, [](const auto& one) { return one.second; });
    parts.push_back(static_cast<double>(right) / static_cast<double>(k));
  }
  return parts;
}

// A group for each text: equal texts, which no model can tell apart, have equal numbers.
[[nodiscard]] inline std::vector<std::int64_t> groups_of_equal(std::span<const std::string> texts) {
  std::unordered_map<std::string_view, std::int64_t> known;
  std::vector<std::int64_t> groups;
  for (const auto& text : texts) groups.push_back(known.try_emplace(text, static_cast<std::int64_t>(known.size())).first->second);
  return groups;
}

}  // namespace mgca::metrics

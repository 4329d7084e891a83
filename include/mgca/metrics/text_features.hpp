// TF-IDF of tokenised texts: the bag-of-words baseline for reports.
// Weight of a term in a text: count * (ln((1 + n) / (1 + texts with the term)) + 1), then each row scaled to length 1.
// Reference: Salton and Buckley, "Term-weighting approaches in automatic text retrieval", 1988 (smooth idf).
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

using TokenList = std::vector<std::string>;

struct TfidfOptions {
  std::int64_t min_texts = 1;     // a term in fewer texts is left out
  std::int64_t max_terms = 8192;  // the terms in most texts are kept; ties by their order
};

// Fitted on training texts; terms in alphabetical order, one column each.
struct TfidfModel {
  std::map<std::string, std::int64_t> columns;
  std::vector<double> idf;

  [[nodiscard]] std::int64_t width() const { return static_cast<std::int64_t>(idf.size()); }
};

}  // namespace mgca

namespace mgca::metrics {

// Throws Error(argument) when no text or no term is left.
[[nodiscard]] inline TfidfModel fit_tfidf(std::span<const TokenList> texts, const TfidfOptions& options = {}) {
  MGCA_CHECK(options.min_texts > 0 && options.max_terms > 0,
             "tfidf: expected min_texts and max_terms of 1 or more, got ", options.min_texts, " and ",
             options.max_terms);
  std::map<std::string, std::int64_t> texts_with;
  for (const auto& text : texts) {
    for (const auto& term : std::set<std::string>(text.begin(), text.end())) ++texts_with[term];
  }
  std::vector<std::pair<std::string, std::int64_t>> kept;
  for (const auto& entry : texts_with) {
    if (entry.second >= options.min_texts) kept.push_back(entry);
  }
  MGCA_CHECK(!kept.empty(), "tfidf: none of ", texts_with.size(), " terms in ", texts.size(), " texts occurs in ",
             options.min_texts, " texts; lower min_texts");
  if (static_cast<std::int64_t>(kept.size()) > options.max_terms) {
    std::stable_sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    kept.resize(static_cast<std::size_t>(options.max_terms));
    std::sort(kept.begin(), kept.end());
  }
  TfidfModel model;
  for (const auto& [term, count] : kept) {
    model.columns.emplace(term, model.width());
    model.idf.push_back(std::log((1.0 + static_cast<double>(texts.size())) / (1.0 + static_cast<double>(count))) + 1.0);
  }
  return model;
}

// (texts, terms). Terms the model does not know are left out; a text of none but such is a row of zeros.
[[nodiscard]] inline Image<float> tfidf(const TfidfModel& model, std::span<const TokenList> texts) {
  MGCA_CHECK(!texts.empty() && model.width() > 0, "tfidf: ", texts.size(), " texts and ", model.width(), " terms");
  Image<float> rows({.height = static_cast<std::int64_t>(texts.size()), .width = model.width()});
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::map<std::int64_t, double> counts;
    for (const auto& term : texts[i]) {
      if (const auto it = model.columns.find(term); it != model.columns.end()) counts[it->second] += 1;
    }
    double square = 0;
    for (auto& [column, value] : counts) {
      value *= model.idf[static_cast<std::size_t>(column)];
      square += value * value;
    }
    for (const auto& [column, value] : counts) {
      rows.at(static_cast<std::int64_t>(i), column) = static_cast<float>(value / std::sqrt(square));
    }
  }
  return rows;
}

}  // namespace mgca::metrics

// A report with its words coloured by importance.
// Such a figure contains the report itself, so it is made only for callers who say that they want that.
#pragma once

#include <mgca/viz/colormap.hpp>
#include <mgca/viz/detail/markup.hpp>

#include <algorithm>

namespace mgca {

enum class ReportText : std::uint8_t {
  withheld,  // the library shows no report text
  shown,     // the caller has the right to see the report and guards what is made from it
};
constexpr auto names_of(ReportText) { return std::to_array<std::string_view>({"withheld", "shown"}); }

struct WordWeight {
  std::string word = {};
  double weight = 0;  // 0 or more
};

struct WordsOptions {
  ReportText text = ReportText::withheld;
  std::int64_t top = 10;  // words with the largest weights are set bold
};

// HTML that contains report text; the page it enters says so.
struct WordsFigure {
  std::string html;
  std::string formula;
};

}  // namespace mgca

namespace mgca::viz {

// Throws Error(argument) without WordsOptions::text = ReportText::shown, and for weights that are negative or not
// finite.
[[nodiscard]] inline WordsFigure words(std::span<const WordWeight> words, const WordsOptions& options = {}) {
  MGCA_CHECK(
      options.text == ReportText::shown,
      "words: the figure would contain report text; ask for it with .text = ReportText::shown and store it with care");
  MGCA_CHECK(!words.empty() && options.top >= 0, "words: ", words.size(), " words, the first ", options.top,
             " in bold");
  for (std::size_t i = 0; i < words.size(); ++i) {
    MGCA_CHECK(std::isfinite(words[i].weight) && words[i].weight >= 0, "words: the weight of word ", i, " is ",
               words[i].weight, ", expected 0 or more");
  }
  std::vector<std::size_t> order(words.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return words[a].weight > words[b].weight; });
  std::vector<bool> bold(words.size());
  for (std::size_t i = 0; i < order.size() && static_cast<std::int64_t>(i) < options.top; ++i)
    bold[order[i]] = words[order[i]].weight > 0;
  const double largest = words[order.front()].weight;

  WordsFigure figure{.html = "<p class=\"words\">", .formula = "shade = weight / largest weight of the report"};
  for (std::size_t i = 0; i < words.size(); ++i) {
    const double part = largest > 0 ? words[i].weight / largest : 0.0;
    const auto tag = std::string(bold[i] ? "b" : "span");
    figure.html += "<" + tag + " style=\"background:rgba(245,158,11," + detail::fixed(0.75 * part, 3) + ")\" title=\"" +
                   detail::fixed(words[i].weight, 4) + "\">" + detail::escape(words[i].word) + "</" + tag + "> ";
  }
  figure.html += "</p>";
  return figure;
}

}  // namespace mgca::viz

// A report as one HTML file: sections, tables, charts, pictures. It needs no network, no script and no second file, so
// it can be mailed, archived and printed, and two runs with the same numbers give the same bytes.
#pragma once

#include <mgca/viz/detail/style.hpp>
#include <mgca/viz/picture.hpp>
#include <mgca/viz/words.hpp>

namespace mgca {

struct PageOptions {
  std::string title = {};
  std::string subtitle = {};
  std::string footer = {};
  ReportText text = ReportText::withheld;  // cards with reports and word figures need `shown`
  // Stands on top of a page that holds report text.
  std::string privacy = "This page contains report text. Treat it as patient data: keep it where such data may be kept, and do not pass it on.";
};

struct Tile {  // one number in large type
  std::string label = {}, value = {}, detail = {};
};

enum class Emphasis : std::uint8_t { none, best };
constexpr auto names_of(Emphasis) { return std::to_array<std::string_view>({"none", "best"}); }

struct TableCell {
  std::string text = {};
  std::string minor = {};  // smaller, behind the text: an interval, a count
  Emphasis emphasis = Emphasis::none;
};

struct PageTable {
  std::vector<std::string> columns = {};
  std::vector<std::vector<TableCell>> rows = {};
  std::string caption = {};
  std::string note = {};
};

using Facts = std::vector<std::pair<std::string, std::string>>;

enum class NoteKind : std::uint8_t { plain, warning, privacy };
constexpr auto names_of(NoteKind) { return std::to_array<std::string_view>({"plain", "warning", "privacy"}); }

enum class CardMark : std::uint8_t { none, right, wrong };
constexpr auto names_of(CardMark) { return std::to_array<std::string_view>({"none", "right", "wrong"}); }

struct Card {
  std::string title = {};
  std::optional<Picture> picture = {};
  std::string text = {};
  std::string report = {};  // report text: only on pages with PageOptions::text = shown
  CardMark mark = CardMark::none;
};

struct Strip {  // a query and what it found, best first
  Card query = {};
  std::vector<Card> answers = {};
};

class Page {
 public:
  explicit Page(PageOptions options) : options_(std::move(options)) {
    MGCA_CHECK(!options_.title.empty(), "page: a page needs a title");
  }

  // What follows belongs to this section, until the next.
  Page& section(const std::string& title, const std::string& intro = "") {
    titles_.push_back(title);
    if (titles_.size() > 1) body_ += "</section>\n";
    body_ += "<section id=\"s" + std::to_string(titles_.size()) + "\"><h2>" + viz::detail::escape(title) + "</h2>";
    if (!intro.empty()) body_ += element("p", "intro", intro);
    return *this;
  }
  Page& text(const std::string& paragraph) { return add(element("p", "", paragraph)); }
  Page& note(const std::string& paragraph, NoteKind kind = NoteKind::plain) {
    return add(element("p",
                       kind == NoteKind::plain     ? "note"
                       : kind == NoteKind::warning ? "note warning"
                                                   : "note private",
                       paragraph));
  }
  Page& tiles(std::span<const Tile> tiles) {
    std::string html = "<div class=\"tiles\">";
    for (const auto& tile : tiles) {
      html += "<div class=\"tile\">" + element("div", "label", tile.label) + element("div", "value", tile.value);
      if (!tile.detail.empty()) html += element("div", "detail", tile.detail);
      html += "</div>";
    }
    return add(html + "</div>");
  }
  Page& facts(const Facts& facts) {
    std::string html = "<dl>";
    for (const auto& [name, value] : facts)
      html += "<div>" + element("dt", "", name) + element("dd", "", value) + "</div>";
    return add(html + "</dl>");
  }
  // Columns of numbers are set to the right. Throws Error(argument) for a row of another length than the header.
  Page& table(const PageTable& table);
  // Side by side where there is room.
  Page& figures(std::span<const Figure> figures) { return add_figures(figures, "figures"); }
  Page& figure(const Figure& figure) { return add(viz::detail::figure_html(figure, "whole")); }
  // Many small pictures.
  Page& gallery(std::span<const Figure> figures) { return add_figures(figures, "gallery"); }
  Page& strips(std::span<const Strip> strips) {
    std::string html;
    for (const auto& strip : strips) {
      html += "<div class=\"strip\">" + card(strip.query, "query") + "<div class=\"answers\">";
      for (const auto& answer : strip.answers) html += card(answer, to_string_of(answer.mark));
      html += "</div></div>";
    }
    return add("<div>" + html + "</div>");
  }
  Page& words(const WordsFigure& figure, const std::string& title = "") {
    admit_report("a word figure");
    return add("<figure>" + (title.empty() ? "" : element("h3", "", title)) + figure.html + "<figcaption>" +
               element("span", "formula", figure.formula) + "</figcaption></figure>");
  }

  // Whether anything on the page is report text; such a file belongs where patient data belong.
  [[nodiscard]] bool holds_report_text() const { return holds_report_text_; }
  [[nodiscard]] std::string render() const;

 private:
  static std::string element(const std::string& tag, const std::string& style, const std::string& content) {
    return "<" + tag + (style.empty() ? "" : " class=\"" + style + "\"") + ">" + viz::detail::escape(content) + "</" +
           tag + ">";
  }
  static std::string to_string_of(CardMark mark) { return std::string(names_of(mark)[static_cast<std::size_t>(mark)]); }

  Page& add(const std::string& html) {
    MGCA_CHECK(!titles_.empty(), "page: begin with a section");
    body_ += "\n" + html;
    return *this;
  }
  Page& add_figures(std::span<const Figure> figures, const std::string& style) {
    std::string html = "<div class=\"" + style + "\">";
    for (const auto& figure : figures) html += viz::detail::figure_html(figure, "");
    return add(html + "</div>");
  }
  void admit_report(std::string_view what) {
    MGCA_CHECK(
        options_.text == ReportText::shown, "page: ", what,
        " contains report text; ask for it with PageOptions::text = ReportText::shown and store the page with care");
    holds_report_text_ = true;
  }
  std::string card(const Card& card, const std::string& style) {
    std::string html = "<div class=\"card" + (style == "none" ? "" : " " + style) + "\">";
    if (card.picture) html += viz::detail::picture_html(*card.picture, card.title);
    html += "<div>" + element("b", "", card.title);
    if (!card.text.empty()) html += element("span", "", card.text);
    if (!card.report.empty()) {
      admit_report("a card");
      html += element("p", "", card.report);
    }
    return html + "</div></div>";
  }

  PageOptions options_;
  std::vector<std::string> titles_;
  std::string body_;
  bool holds_report_text_ = false;
};

inline Page& Page::table(const PageTable& table) {
  const auto is_number = [](const std::string& text) {  // 12, -0.5, +3 %, n/a
    return text.empty() || text == "n/a" || text == "undefined" || text.find_first_of("0123456789") <= 1;
  };
  std::vector<bool> number(table.columns.size(), !table.rows.empty());
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    const auto& row = table.rows[r];
    MGCA_CHECK(row.size() == table.columns.size(), "page: row ", r, " of a table has ", row.size(), " cells for ",
               table.columns.size(), " columns");
    for (std::size_t c = 0; c < row.size(); ++c) number[c] = number[c] && is_number(row[c].text);
  }
  std::string html = "<div class=\"scroll\"><table>" +
                     (table.caption.empty() ? "" : element("caption", "", table.caption)) + "<thead><tr>";
  for (std::size_t c = 0; c < table.columns.size(); ++c)
    html += element("th", number[c] ? "number" : "", table.columns[c]);
  html += "</tr></thead><tbody>";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c) {
      const auto style = std::string(number[c] ? "number" : "") + (row[c].emphasis == Emphasis::best ? " best" : "");
      html += "<td" + (style.empty() ? "" : " class=\"" + style + "\"") + ">" + viz::detail::escape(row[c].text);
      if (!row[c].minor.empty()) html += element("span", "minor", row[c].minor);
      html += "</td>";
    }
    html += "</tr>";
  }
  return add(html + "</tbody></table></div>" + (table.note.empty() ? "" : element("p", "caption", table.note)));
}

inline std::string Page::render() const {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\"/>";
  html += "<title>" + viz::detail::escape(options_.title) + "</title><style>" + std::string(viz::detail::kStyle) +
          "</style></head>\n<body><header>";
  html += element("h1", "", options_.title);
  if (!options_.subtitle.empty()) html += element("p", "subtitle", options_.subtitle);
  if (titles_.size() > 1) {
    html += "<nav>";
    for (std::size_t i = 0; i < titles_.size(); ++i)
      html += "<a href=\"#s" + std::to_string(i + 1) + "\">" + viz::detail::escape(titles_[i]) + "</a>";
    html += "</nav>";
  }
  html += "</header>\n<main>\n";
  if (holds_report_text_) {
    html += element("p", "note private", options_.privacy) + "\n";
  }
  html += body_ + (titles_.empty() ? "" : "</section>\n") + "</main>\n";
  if (!options_.footer.empty()) html += element("footer", "", options_.footer) + "\n";
  return html + "</body></html>\n";
}

}  // namespace mgca

namespace mgca::viz {

// A number with its interval: {"0.812", "0.780–0.844"}; "undefined" for nothing.
[[nodiscard]] inline TableCell interval_cell(std::optional<double> value,
                                             std::optional<std::pair<double, double>> interval, int decimals = 3) {
  if (!value) return {.text = "undefined"};
  TableCell cell{.text = detail::fixed(*value, decimals)};
  if (interval) cell.minor = detail::fixed(interval->first, decimals) + "–" + detail::fixed(interval->second, decimals);
  return cell;
}

}  // namespace mgca::viz

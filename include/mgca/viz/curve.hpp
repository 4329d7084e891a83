// Line charts as SVG: losses over steps, rates over epochs, ROC curves, with bands where a value has an interval.
// Text stays text, lines stay sharp in print, and the same numbers give the same bytes.
#pragma once

#include <mgca/viz/detail/svg.hpp>

namespace mgca {

struct Series {
  std::string name = {};
  std::vector<double> x = {}, y = {};
  std::vector<double> low = {}, high = {};  // a band around y; empty: none
  bool dashed = false;
  bool steps = false;  // y changes at x, not on the way to it
  std::optional<std::size_t> color = {};  // of series_color; nothing: the series' own place in the list
};

struct ChartOptions {
  std::string title = {};  // read aloud and shown by a resting pointer; not drawn
  Axis x = {}, y = {};
  double width = 560, height = 320;  // pixels
};

}  // namespace mgca

namespace mgca::viz {
namespace detail {

inline void check_series(const Series& series) {
  MGCA_CHECK(!series.x.empty() && series.x.size() == series.y.size(), "chart: series '", series.name, "' has ",
             series.x.size(), " x and ", series.y.size(), " y");
  MGCA_CHECK(series.low.size() == series.high.size() && (series.low.empty() || series.low.size() == series.y.size()),
             "chart: the band of series '", series.name, "' has ", series.low.size(), " low and ", series.high.size(),
             " high values for ", series.y.size(), " points");
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    const bool band = series.low.empty() || (std::isfinite(series.low[i]) && std::isfinite(series.high[i]));
    MGCA_CHECK(std::isfinite(series.x[i]) && std::isfinite(series.y[i]) && band, "chart: point ", i, " of series '",
               series.name, "' is not finite; leave undefined points out");
  }
}

inline std::pair<double, double> extent(std::span<const Series> all, bool vertical) {
  std::pair<double, double> range{INFINITY, -INFINITY};
  const auto widen = [&](const std::vector<double>& values) {
    for (const double value : values) range = {std::min(range.first, value), std::max(range.second, value)};
  };
  for (const auto& series : all) {
    widen(vertical ? series.y : series.x);
    if (vertical) widen(series.low), widen(series.high);
  }
  return range;
}

// Where the data go inside the picture.
struct Plot {
  Range x, y;
  double left, top, width, height;

  [[nodiscard]] double across(double value) const { return left + width * x.part(value); }
  [[nodiscard]] double down(double value) const { return top + height * (1 - y.part(value)); }
  [[nodiscard]] std::string point(double at, double value) const {
    return coordinate(across(at)) + "," + coordinate(down(value));
  }
};

inline std::string axes(const Plot& plot, const ChartOptions& options) {
  std::string svg;
  const double right = plot.left + plot.width, bottom = plot.top + plot.height;
  for (const double tick : plot.y.ticks()) {
    svg += line_from({plot.left, plot.down(tick)}, {right, plot.down(tick)}, "stroke=\"" + std::string(kGrid) + "\"");
    svg += text_at({plot.left - 8, plot.down(tick) + 4}, plot.y.label(tick), {.anchor = "end"});
  }
  for (const double tick : plot.x.ticks()) {
    svg += line_from({plot.across(tick), bottom}, {plot.across(tick), bottom + 5}, "stroke=\"#9aa4b2\"");
    svg += text_at({plot.across(tick), bottom + 19}, plot.x.label(tick), {.anchor = "middle"});
  }
  svg += line_from({plot.left, bottom}, {right, bottom}, "stroke=\"#9aa4b2\"");
  if (!options.x.label.empty())
    svg += text_at({plot.left + plot.width / 2, bottom + 38}, options.x.label, {.anchor = "middle"});
  if (!options.y.label.empty()) {
    const double x = 13, y = plot.top + plot.height / 2;
    const auto turn = " transform=\"rotate(-90 " + coordinate(x) + " " + coordinate(y) + ")\"";
    svg += text_at({x, y}, options.y.label, {.anchor = "middle", .more = turn});
  }
  return svg;
}

inline std::string path_of(const Plot& plot, const Series& series, std::span<const double> values) {
  std::string path;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0 && series.steps) path += "L" + plot.point(series.x[i], values[i - 1]);
    path += (i == 0 ? "M" : "L") + plot.point(series.x[i], values[i]);
  }
  return path;
}

inline std::string draw_series(const Plot& plot, const Series& series, const std::string& color) {
  std::string svg;
  if (!series.low.empty()) {
    svg += "<path d=\"" + path_of(plot, series, series.high);
    for (std::size_t i = series.x.size(); i-- > 0;) {
      svg += "L" + plot.point(series.x[i], series.low[i]);
      if (i > 0 && series.steps) svg += "L" + plot.point(series.x[i], series.low[i - 1]);
    }
    svg += "Z\" fill=\"" + color + "\" fill-opacity=\"0.14\"/>";
  }
  svg += "<path d=\"" + path_of(plot, series, series.y) + "\" fill=\"none\" stroke=\"" + color +
         "\" stroke-width=\"2\" stroke-linejoin=\"round\" stroke-linecap=\"round\"" +
         (series.dashed ? " stroke-dasharray=\"1 5\"" : "") + "/>";
  if (series.x.size() <= 24 && !series.steps) {
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      svg += "<circle cx=\"" + coordinate(plot.across(series.x[i])) + "\" cy=\"" + coordinate(plot.down(series.y[i])) +
             "\" r=\"2.6\" fill=\"" + color + "\"/>";
    }
  }
  return svg;
}

inline std::string chart(std::span<const Series> all, const ChartOptions& options, bool diagonal) {
  MGCA_CHECK(!all.empty(), "chart: no series to draw");
  for (const auto& series : all) check_series(series);
  MGCA_CHECK(options.width >= 160 && options.height >= 120, "chart: expected 160 x 120 pixels or more, got ",
             options.width, " x ", options.height);
  const Range y(options.y, extent(all, true), diagonal ? 5 : static_cast<int>(options.height / 60));
  const Range x(options.x, extent(all, false), diagonal ? 5 : static_cast<int>(options.width / 90));
  const double left = (options.y.label.empty() ? 0 : 22) + y.widest_label() + 12;
  const double width = options.width - left - 16;
  std::vector<LegendEntry> entries;
  for (std::size_t s = 0; s < all.size(); ++s) {
    if (!all[s].name.empty()) entries.push_back({all[s].name, series_color(all[s].color.value_or(s)), all[s].dashed});
  }
  const auto legend = legend_of(entries, left, width);
  const double top = legend.height + 10, below = options.x.label.empty() ? 30 : 48;
  const double height = diagonal ? width : options.height - top - below;
  MGCA_CHECK(height >= 40, "chart: ", entries.size(), " legend entries leave no room; raise the height above ",
             options.height);
  const Plot plot{x, y, left, top, width, height};

  std::string svg = open_svg({options.width, top + height + below}, options.title);
  svg += legend.markup + axes(plot, options);
  if (diagonal) {
    svg += line_from({plot.across(0), plot.down(0)}, {plot.across(1), plot.down(1)},
                     "stroke=\"#9aa4b2\" stroke-dasharray=\"4 4\"");
    svg += text_at({plot.across(0.7) + 6, plot.down(0.7) + 18}, "chance");
  }
  const bool clipped = options.x.low || options.x.high || options.y.low || options.y.high;
  if (clipped) {  // a nested drawing cuts off what a given range leaves out
    const auto box = coordinate(left) + " " + coordinate(top) + " " + coordinate(width) + " " + coordinate(height);
    svg += "<svg x=\"" + coordinate(left) + "\" y=\"" + coordinate(top) + "\" width=\"" + coordinate(width) +
           "\" height=\"" + coordinate(height) + "\" viewBox=\"" + box + "\">";
  }
  for (std::size_t s = 0; s < all.size(); ++s) svg += draw_series(plot, all[s], hex(series_color(all[s].color.value_or(s))));
  return svg + (clipped ? "</svg></svg>" : "</svg>");
}

}  // namespace detail

// An <svg> element for an HTML page; svg_file makes it a file of its own.
// Throws Error(argument) for points that are not finite and lists of unequal length, naming the series.
[[nodiscard]] inline std::string line_chart(std::span<const Series> series, const ChartOptions& options = {}) {
  return detail::chart(series, options, false);
}

// x: false positive rate, y: true positive rate; a square with the line of chance.
[[nodiscard]] inline std::string roc_chart(std::span<const Series> series,
                                           ChartOptions options = {.width = 440, .height = 440}) {
  if (options.x.label.empty()) options.x.label = "1 − specificity";
  if (options.y.label.empty()) options.y.label = "sensitivity";
  options.x.low = options.y.low = 0;
  options.x.high = options.y.high = 1;
  for (const auto& curve : series) {
    for (std::size_t i = 0; i < std::min(curve.x.size(), curve.y.size()); ++i) {
      MGCA_CHECK(curve.x[i] >= 0 && curve.x[i] <= 1 && curve.y[i] >= 0 && curve.y[i] <= 1, "roc_chart: point ", i,
                 " of '", curve.name, "' is (", curve.x[i], ", ", curve.y[i], "), expected rates in [0, 1]");
    }
  }
  return detail::chart(series, options, true);
}

// The element as the content of a .svg file.
[[nodiscard]] inline std::string svg_file(std::string_view element) {
  MGCA_CHECK(element.starts_with("<svg "), "svg_file: expected an <svg> element");
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" " +
         std::string(element.substr(5)) + "\n";
}

}  // namespace mgca::viz

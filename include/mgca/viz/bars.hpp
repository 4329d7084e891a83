// Horizontal bars with intervals as SVG: one row per class, one bar per system, and a line for what chance would reach.
// Bars begin at the axis' low end, 0 unless said otherwise, so that lengths compare.
#pragma once

#include <mgca/viz/detail/svg.hpp>

namespace mgca {

struct Bar {
  std::optional<double> value = {};           // nothing: "undefined" is written in its place
  std::optional<double> low = {}, high = {};  // interval
};

struct BarRow {
  std::string name = {};
  std::vector<Bar> bars = {};  // one per system
};

struct BarChartOptions {
  std::string title = {};                 // not drawn, see ChartOptions
  std::vector<std::string> systems = {};  // the legend; empty: none
  Axis axis = {.label = {}, .low = 0};
  std::optional<double> reference = {};  // a dashed line
  std::string reference_label = {};
  int decimals = 3;
  double width = 560;
};

}  // namespace mgca

namespace mgca::viz {
namespace detail {

inline void check_rows(std::span<const BarRow> rows, const BarChartOptions& options) {
  MGCA_CHECK(!rows.empty(), "bar_chart: no rows to draw");
  for (const auto& row : rows) {
    MGCA_CHECK(!row.bars.empty() && (options.systems.empty() || row.bars.size() == options.systems.size()),
               "bar_chart: row '", row.name, "' has ", row.bars.size(), " bars for ", options.systems.size(),
               " systems");
    for (const auto& bar : row.bars) {
      const auto finite = [](const std::optional<double>& v) { return !v || std::isfinite(*v); };
      MGCA_CHECK(finite(bar.value) && finite(bar.low) && finite(bar.high), "bar_chart: a value of row '", row.name,
                 "' is not finite; leave it empty");
      MGCA_CHECK(bar.low.has_value() == bar.high.has_value() && (!bar.low || *bar.low <= *bar.high),
                 "bar_chart: the interval of row '", row.name, "' needs both ends in order");
    }
  }
}

inline std::string draw_bar(const Bar& bar, const std::string& color, std::pair<double, double> y, auto&& across,
                            const BarChartOptions& options) {
  const auto [top, height] = y;
  const double middle = top + height / 2;
  const double start = across(options.axis.low.value_or(0));
  if (!bar.value) return text_at({start + 6, middle + 4}, "undefined", {.more = " font-style=\"italic\""});
  const double end = across(*bar.value);
  std::string svg = "<rect x=\"" + coordinate(std::min(start, end)) + "\" y=\"" + coordinate(top) + "\" width=\"" +
                    coordinate(std::abs(end - start)) + "\" height=\"" + coordinate(height) + "\" rx=\"2\" fill=\"" +
                    color + "\" fill-opacity=\"0.82\"/>";
  double label = end;
  if (bar.low) {
    const double left = across(*bar.low), right = across(*bar.high);
    const std::string_view ink = "stroke=\"#1b2330\" stroke-width=\"1.4\"";
    svg += line_from({left, middle}, {right, middle}, ink) + line_from({left, middle - 4}, {left, middle + 4}, ink) +
           line_from({right, middle - 4}, {right, middle + 4}, ink);
    label = std::max(end, right);
  }
  return svg + text_at({label + 8, middle + 4}, fixed(*bar.value, options.decimals), {.fill = "#27303d"});
}

}  // namespace detail

// Throws Error(argument) for values that are not finite and rows of unequal length, naming the row.
[[nodiscard]] inline std::string bar_chart(std::span<const BarRow> rows, const BarChartOptions& options = {}) {
  detail::check_rows(rows, options);
  std::pair<double, double> data{0, 0};
  double names = 0, all = 0;
  for (const auto& row : rows) {
    names = std::max(names, detail::text_width(row.name) * 1.06);
    all += static_cast<double>(row.bars.size());
    for (const auto& bar : row.bars) {
      for (const auto& value : {bar.value, bar.low, bar.high}) {
        if (value) data = {std::min(data.first, *value), std::max(data.second, *value)};
      }
    }
  }
  const detail::Range range(options.axis, data, static_cast<int>(options.width / 110));
  const double left = names + 14, right = options.width - 20 - detail::text_width("0.000"), width = right - left;
  MGCA_CHECK(width >= 80, "bar_chart: the names leave ", width, " pixels for the bars; raise the width above ",
             options.width);
  std::vector<detail::LegendEntry> entries;
  for (std::size_t s = 0; s < options.systems.size(); ++s)
    entries.push_back({options.systems[s], series_color(s), false});
  const auto legend = detail::legend_of(entries, left, width);
  const double thick = all > static_cast<double>(rows.size()) ? 14 : 18, gap = 14;
  const double top = legend.height + (options.reference && !options.reference_label.empty() ? 26 : 8);
  const double bottom = top + all * (thick + 3) + static_cast<double>(rows.size()) * gap;
  const double below = options.axis.label.empty() ? 28 : 46;
  const auto across = [&](double value) { return left + width * std::clamp(range.part(value), 0.0, 1.0); };

  std::string svg = detail::open_svg({options.width, bottom + below}, options.title) + legend.markup;
  for (const double tick : range.ticks()) {
    svg +=
        detail::line_from({across(tick), top}, {across(tick), bottom}, "stroke=\"" + std::string(detail::kGrid) + "\"");
    svg += detail::text_at({across(tick), bottom + 18}, range.label(tick), {.anchor = "middle"});
  }
  double y = top;
  for (const auto& row : rows) {
    y += gap / 2;
    const double middle = y + static_cast<double>(row.bars.size()) * (thick + 3) / 2;
    svg += detail::text_at({left - 10, middle + 4}, row.name, {.anchor = "end", .fill = "#27303d"});
    for (std::size_t s = 0; s < row.bars.size(); ++s, y += thick + 3) {
      svg += detail::draw_bar(row.bars[s], detail::hex(series_color(s)), {y, thick}, across, options);
    }
    y += gap / 2;
  }
  svg += detail::line_from({left, top}, {left, bottom}, "stroke=\"#9aa4b2\"");
  if (options.reference) {
    const double x = across(*options.reference);
    svg += detail::line_from({x, top - 4}, {x, bottom},
                             "stroke=\"#b4232a\" stroke-width=\"1.4\" stroke-dasharray=\"5 4\"");
    if (!options.reference_label.empty())
      svg += detail::text_at({x, top - 10}, options.reference_label, {.anchor = "middle", .fill = "#b4232a"});
  }
  if (!options.axis.label.empty())
    svg += detail::text_at({left + width / 2, bottom + 38}, options.axis.label, {.anchor = "middle"});
  return svg + "</svg>";
}

}  // namespace mgca::viz

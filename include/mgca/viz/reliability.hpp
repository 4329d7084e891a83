// A reliability diagram as SVG: in each bin of predicted probability how often the finding was there, with its interval, against the
// diagonal of a calibrated classifier; below it how many samples each bin holds, without which the bars say little.
// References: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017; Wilson, JASA 1927 (interval of a proportion).
#pragma once

#include <mgca/metrics/calibration.hpp>
#include <mgca/viz/curve.hpp>

namespace mgca {

struct ReliabilityOptions {
  std::string title = {};  // not drawn, see ChartOptions
  double width = 320;      // pixels; the height follows
};

}  // namespace mgca

namespace mgca::viz {
namespace detail {

// Ends of the 95 % interval of a part observed in `count` independent samples.
inline std::pair<double, double> wilson(double part, std::int64_t count) {
  constexpr double z = 1.959964;
  const auto n = static_cast<double>(count);
  const double middle = (part + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(part * (1 - part) / n + z * z / (4 * n * n));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

inline void check_bins(const Calibration& found) {
  double end = 0;
  std::int64_t all = 0;
  for (std::size_t b = 0; b < found.bins.size(); ++b) {
    const auto& bin = found.bins[b];
    MGCA_CHECK(bin.low >= end && bin.low < bin.high && bin.high <= 1, "reliability_chart: bin ", b, " goes from ", bin.low, " to ", bin.high,
               ", expected bins in order within [0, 1]");
    const auto is_part = [](const std::optional<double>& value) { return value && *value >= 0 && *value <= 1; };
    MGCA_CHECK(bin.count == 0 || (bin.count > 0 && is_part(bin.mean_probability) && is_part(bin.observed)), "reliability_chart: bin ", b, " with ", bin.count,
               " samples needs its mean probability and the part observed, both in [0, 1]");
    end = bin.high;
    all += bin.count;
  }
  MGCA_CHECK(all > 0, "reliability_chart: no sample in ", found.bins.size(), " bins; there is nothing to draw");
}

}  // namespace detail

// Throws Error(argument) for bins out of order or without what they hold, naming the bin, and for no sample at all.
[[nodiscard]] inline std::string reliability_chart(const Calibration& found, const ReliabilityOptions& options = {}) {
  detail::check_bins(found);
  MGCA_CHECK(options.width >= 200, "reliability_chart: expected 200 pixels or more, got ", options.width);
  std::int64_t most = 0;
  for (const auto& bin : found.bins) most = std::max(most, bin.count);
  const Axis unit{.label = {}, .low = 0, .high = 1};
  const detail::Range range(unit, {0, 1}, 5);
  const double left = 22 + range.widest_label() + 12, side = options.width - left - 16, top = 10, counts = 70, gap = 22;
  const detail::Plot plot{range, range, left, top, side, side};
  const double base = top + side + gap + counts;  // of the bars of counts

  std::string svg = detail::open_svg({options.width, base + 48}, options.title);
  svg += detail::axes(plot, {.title = {}, .x = unit, .y = {.label = "observed"}});
  svg += detail::line_from({plot.across(0), plot.down(0)}, {plot.across(1), plot.down(1)}, "stroke=\"#9aa4b2\" stroke-dasharray=\"4 4\"");
  const auto blue = detail::hex(series_color(0));
  const auto bar = [&](const CalibrationBin& bin, double from, double height, std::string_view color) {
    return "<rect x=\"" + detail::coordinate(plot.across(bin.low) + 1) + "\" y=\"" + detail::coordinate(from - height) + "\" width=\"" +
           detail::coordinate(plot.across(bin.high) - plot.across(bin.low) - 2) + "\" height=\"" + detail::coordinate(height) + "\" fill=\"" + std::string(color) +
           "\" fill-opacity=\"0.3\"/>";
  };
  for (const auto& bin : found.bins) {
    if (bin.count == 0) continue;
    svg += bar(bin, plot.down(0), side * *bin.observed, blue);
    const double x = plot.across(*bin.mean_probability);
    const auto [low, high] = detail::wilson(*bin.observed, bin.count);
    svg += detail::line_from({x, plot.down(low)}, {x, plot.down(high)}, "stroke=\"#1b2330\" stroke-width=\"1.4\"");
    svg += "<circle cx=\"" + detail::coordinate(x) + "\" cy=\"" + detail::coordinate(plot.down(*bin.observed)) + "\" r=\"3\" fill=\"" + blue + "\"/>";
    const double height = (counts - 14) * static_cast<double>(bin.count) / static_cast<double>(most);
    svg += bar(bin, base, height, "#5b6675");
    svg += detail::text_at({(plot.across(bin.low) + plot.across(bin.high)) / 2, base - height - 4}, std::to_string(bin.count), {.anchor = "middle", .size = 9});
  }
  svg += detail::line_from({left, base}, {left + side, base}, "stroke=\"#9aa4b2\"");
  svg += detail::text_at({left - 8, base - 4}, "n", {.anchor = "end"});
  svg += detail::text_at({left + side / 2, base + 24}, "predicted probability", {.anchor = "middle"});
  return svg + "</svg>";
}

}  // namespace mgca::viz

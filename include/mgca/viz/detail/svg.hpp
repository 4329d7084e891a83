// The parts that all charts share: the drawing's frame, axes with round ticks, and a legend that wraps.
#pragma once

#include <mgca/viz/axis.hpp>
#include <mgca/viz/colormap.hpp>
#include <mgca/viz/detail/markup.hpp>

#include <optional>
#include <utility>

namespace mgca::viz::detail {

inline constexpr std::string_view kInk = "#5b6675";
inline constexpr std::string_view kGrid = "#e6e9ef";
inline constexpr std::string_view kFont = "system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif";
inline constexpr double kLetter = 6.4;  // pixels per character at 12 px, on the safe side

inline double text_width(std::string_view text) { return kLetter * static_cast<double>(characters(text)); }

struct TextStyle {
  std::string_view anchor = "start";
  std::string_view fill = kInk;
  int size = 12;
  std::string_view more = {};  // further attributes
};

inline std::string text_at(std::pair<double, double> xy, std::string_view text, const TextStyle& style = {}) {
  return "<text x=\"" + coordinate(xy.first) + "\" y=\"" + coordinate(xy.second) + "\" text-anchor=\"" +
         std::string(style.anchor) + "\" fill=\"" + std::string(style.fill) + "\" font-size=\"" +
         std::to_string(style.size) + "\"" + std::string(style.more) + ">" + escape(text) + "</text>";
}

inline std::string line_from(std::pair<double, double> from, std::pair<double, double> to,
                             std::string_view attributes) {
  return "<line x1=\"" + coordinate(from.first) + "\" y1=\"" + coordinate(from.second) + "\" x2=\"" +
         coordinate(to.first) + "\" y2=\"" + coordinate(to.second) + "\" " + std::string(attributes) + "/>";
}

inline std::string open_svg(std::pair<double, double> size, std::string_view title) {
  return "<svg viewBox=\"0 0 " + coordinate(size.first) + " " + coordinate(size.second) + "\" width=\"" +
         coordinate(size.first) + "\" height=\"" + coordinate(size.second) + "\" role=\"img\" font-family=\"" +
         std::string(kFont) + "\" style=\"max-width:100%;height:auto;font-variant-numeric:tabular-nums\"><title>" +
         escape(title) + "</title>";
}

// One axis: its range, its ticks, and the way from a value to a pixel.
class Range {
 public:
  Range(const Axis& axis, std::pair<double, double> data, int wanted_ticks) : log_(axis.scale == AxisScale::log10) {
    low_ = axis.low.value_or(data.first);
    high_ = axis.high.value_or(data.second);
    MGCA_CHECK(std::isfinite(low_) && std::isfinite(high_) && low_ <= high_, "chart: axis '", axis.label,
               "' goes from ", low_, " to ", high_);
    MGCA_CHECK(!log_ || low_ > 0, "chart: the logarithmic axis '", axis.label,
               "' needs values above 0, the smallest is ", low_);
    if (log_) {
      if (!axis.low) low_ = std::pow(10, std::floor(std::log10(low_) + 1e-9));
      if (!axis.high) high_ = std::pow(10, std::ceil(std::log10(high_) - 1e-9));
      if (low_ == high_) high_ = 10 * low_;
      for (auto power = std::ceil(std::log10(low_) - 1e-9); power <= std::log10(high_) + 1e-9; ++power)
        ticks_.values.push_back(std::pow(10, power));
      ticks_.decimals = 6;
      return;
    }
    if (low_ == high_) {
      const double pad = low_ == 0 ? 1 : std::abs(low_) / 2;
      if (!axis.low) low_ -= pad;
      if (!axis.high || low_ == high_) high_ += pad;
    }
    ticks_ = round_ticks(low_, high_, wanted_ticks);
    if (ticks_.values.size() >= 2) {  // open ends move out to the next round value
      const double step = ticks_.values[1] - ticks_.values[0];
      if (!axis.low) low_ = step * std::floor(low_ / step + 1e-9);
      if (!axis.high) high_ = step * std::ceil(high_ / step - 1e-9);
      ticks_ = round_ticks(low_, high_, static_cast<int>(std::lround((high_ - low_) / step)));
    }
  }

  [[nodiscard]] const std::vector<double>& ticks() const { return ticks_.values; }
  [[nodiscard]] std::string label(double tick) const {
    return tick_label(tick, ticks_.decimals, log_ ? tick : std::max(std::abs(low_), std::abs(high_)));
  }
  [[nodiscard]] double low() const { return low_; }
  [[nodiscard]] double high() const { return high_; }
  // 0 at the low end, 1 at the high one.
  [[nodiscard]] double part(double value) const {
    if (log_) return std::log(value / low_) / std::log(high_ / low_);
    return (value - low_) / (high_ - low_);
  }
  [[nodiscard]] double widest_label() const {
    double widest = 0;
    for (const double tick : ticks_.values) widest = std::max(widest, text_width(label(tick)));
    return widest;
  }

 private:
  bool log_;
  double low_ = 0, high_ = 1;
  Ticks ticks_;
};

struct LegendEntry {
  std::string name;
  Rgb color;
  bool dashed = false;
};

struct Legend {
  std::string markup;
  double height = 0;
};

// Entries in rows from the left, as many to a row as fit.
inline Legend legend_of(const std::vector<LegendEntry>& entries, double left, double width) {
  Legend legend;
  double x = left, y = 16;
  for (const auto& entry : entries) {
    const double needed = 28 + text_width(entry.name) + 16;
    if (x > left && x + needed > left + width) {
      x = left;
      y += 20;
    }
    legend.markup += line_from({x, y - 4}, {x + 20, y - 4},
                               "stroke=\"" + hex(entry.color) + "\" stroke-width=\"3\" stroke-linecap=\"round\"" +
                                   (entry.dashed ? " stroke-dasharray=\"1 6\"" : ""));
    legend.markup += text_at({x + 28, y}, entry.name, {.fill = "#27303d"});
    x += needed;
  }
  legend.height = entries.empty() ? 0 : y + 12;
  return legend;
}

}  // namespace mgca::viz::detail

// What a page can show: a drawing as SVG or pixels as PNG, with the caption and the formula that explain it.
#pragma once

#include <mgca/viz/colormap.hpp>
#include <mgca/viz/detail/markup.hpp>

#include <optional>
#include <utility>
#include <variant>

namespace mgca {

struct Svg {
  std::string element;  // <svg ...>...</svg>, trusted: it is not escaped
};
struct Png {
  std::vector<std::byte> bytes;  // a whole PNG file
};
using Picture = std::variant<Svg, Png>;

// A colour bar below a picture.
struct ColorScale {
  Colormap colormap = Colormap::viridis;
  std::string low = {}, high = {};  // what its ends mean
};

struct Figure {
  Picture picture = {};
  std::string title = {};
  std::string caption = {};
  std::string formula = {};
  std::optional<ColorScale> scale = {};
};

}  // namespace mgca

namespace mgca::viz::detail {

// Throws Error(argument) for bytes that do not begin as a PNG and drawings that are no <svg> element.
inline std::string picture_html(const Picture& picture, const std::string& description) {
  if (const auto* drawing = std::get_if<Svg>(&picture)) {
    MGCA_CHECK(drawing->element.starts_with("<svg ") && drawing->element.ends_with("</svg>"),
               "page: expected an <svg> element");
    return drawing->element;
  }
  const auto& bytes = std::get<Png>(picture).bytes;
  constexpr std::array<unsigned char, 8> magic{0x89, 'P', 'N', 'G', 0x0D, 0x0A, 0x1A, 0x0A};
  bool known = bytes.size() >= 24;
  for (std::size_t i = 0; known && i < magic.size(); ++i) known = std::to_integer<unsigned char>(bytes[i]) == magic[i];
  MGCA_CHECK(known, "page: ", bytes.size(), " bytes are no PNG file; encode the pixels first");
  const auto side = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
    return std::to_string(value);
  };
  return "<img src=\"data:image/png;base64," + base64(bytes) + "\" width=\"" + side(16) + "\" height=\"" + side(20) +
         "\" alt=\"" + escape(description) + "\"/>";
}

inline std::string figure_html(const Figure& figure, const std::string& style) {
  const auto& described = figure.title.empty() ? figure.caption : figure.title;
  std::string html =
      "<figure" + (style.empty() ? "" : " class=\"" + style + "\"") + ">" + picture_html(figure.picture, described);
  if (figure.scale) {
    html += "<div class=\"scale\"><span>" + escape(figure.scale->low) +
            "</span><i style=\"background:" + css_gradient(figure.scale->colormap) + "\"></i><span>" +
            escape(figure.scale->high) + "</span></div>";
  }
  if (!figure.title.empty() || !figure.caption.empty() || !figure.formula.empty()) {
    html += "<figcaption>";
    if (!figure.title.empty()) html += "<h3>" + escape(figure.title) + "</h3>";
    html += escape(figure.caption);
    if (!figure.formula.empty()) html += "<span class=\"formula\">" + escape(figure.formula) + "</span>";
    html += "</figcaption>";
  }
  return html + "</figure>";
}

}  // namespace mgca::viz::detail

// Text and numbers on their way into HTML and SVG: escaped, finite, and the same on every machine and in every locale.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/utf8.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::viz::detail {

// For text and attribute values alike. Control characters and bytes that are no UTF-8 become U+FFFD.
inline std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (std::size_t i = 0; i < text.size();) {
    const auto length = utf8_length(text, i);
    const auto c = static_cast<unsigned char>(text[i]);
    if (length == 0 || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
      out += kReplacementCharacter;
    else if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (c == '\'')
      out += "&#39;";
    else
      out.append(text, i, length);
    i += length == 0 ? 1 : length;
  }
  return out;
}

// Characters, not bytes: for estimating widths.
inline std::size_t characters(std::string_view text) {
  std::size_t count = 0;
  for (const unsigned char c : text) count += (c & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

// Fixed decimals. Throws Error(argument) for NaN and infinities: a figure never shows them as if they were numbers.
inline std::string fixed(double value, int decimals) {
  MGCA_CHECK(std::isfinite(value), "viz: ", value, " cannot be drawn or printed; leave undefined values out");
  std::array<char, 400> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, decimals).ptr;
  std::string text(buffer.data(), end);
  if (text.front() == '-' && text.find_first_not_of("-0.") == std::string::npos) text.erase(0, 1);
  return text;
}

// Without zeros at the end of the decimals.
inline std::string trimmed(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

// A coordinate: two decimals at most.
inline std::string coordinate(double value) { return trimmed(fixed(value, 2)); }

struct Ticks {
  std::vector<double> values;
  int decimals = 0;  // that tell the values apart
};

// About `wanted` round numbers (1, 2 or 5 times a power of ten apart) inside [low, high].
inline Ticks round_ticks(double low, double high, int wanted) {
  const double rough = (high - low) / std::max(1, wanted);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double ratio = rough / power;
  const double step = (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10) * power;
  Ticks ticks;
  ticks.decimals = static_cast<int>(std::max(0.0, std::ceil(-std::log10(step) - 1e-9)));
  const auto first = static_cast<std::int64_t>(std::ceil(low / step - 1e-9));
  const auto last = static_cast<std::int64_t>(std::floor(high / step + 1e-9));
  for (auto i = first; i <= last; ++i) ticks.values.push_back(static_cast<double>(i) * step);
  return ticks;
}

// 1500000 -> "1.5M" and 2000 -> "2k" on an axis that reaches `largest` = 10,000 or more; 0.00001 -> "1e-5".
inline std::string tick_label(double value, int decimals, double largest) {
  if (value != 0 && largest >= 1e6) return coordinate(value / 1e6) + "M";
  if (value != 0 && largest >= 1e4) return coordinate(value / 1e3) + "k";
  if (value == 0 || decimals <= 5) return fixed(value, decimals);
  if (std::abs(value) >= 1e-3) return trimmed(fixed(value, decimals));
  std::array<char, 64> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific, 2).ptr;
  const std::string text(buffer.data(), end);  // 1.20e-05
  const auto e = text.find('e');
  const auto zero = text[e + 2] == '0' ? 1U : 0U;
  return trimmed(text.substr(0, e)) + text.substr(e, 2) + text.substr(e + 2 + zero);
}

inline std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k) text += i + k <= bytes.size() ? digits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

}  // namespace mgca::viz::detail

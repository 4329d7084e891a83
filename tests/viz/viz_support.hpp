// Helps the tests of viz: a PNG without compression, a drawn radiograph, and checks of markup.
#pragma once

#include "catch.hpp"

#include <mgca/core/plane.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::test {

// Stored deflate blocks, so that no library is needed; 1 or 3 channels.
inline std::vector<std::byte> tiny_png(Plane<const std::uint8_t> picture) {
  std::vector<std::byte> file;
  const auto put = [](std::vector<std::byte>& to, std::uint32_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) to.push_back(static_cast<std::byte>(value >> (8 * i) & 255));
  };
  for (const int value : {0x89, 'P' + 0, 'N' + 0, 'G' + 0, 0x0D, 0x0A, 0x1A, 0x0A})
    file.push_back(static_cast<std::byte>(value));
  const auto chunk = [&](std::string_view name, const std::vector<std::byte>& data) {
    put(file, static_cast<std::uint32_t>(data.size()), 4);
    const auto start = file.size();
    for (const char c : name) file.push_back(static_cast<std::byte>(c));
    file.insert(file.end(), data.begin(), data.end());
    std::uint32_t crc = 0xFFFFFFFF;
    for (auto i = start; i < file.size(); ++i) {
      crc ^= std::to_integer<std::uint32_t>(file[i]);
      for (int k = 0; k < 8; ++k) crc = (crc >> 1) ^ (0xEDB88320 & (0 - (crc & 1)));
    }
    put(file, ~crc, 4);
  };
  std::vector<std::byte> header, raw, data{std::byte{0x78}, std::byte{0x01}};
  put(header, static_cast<std::uint32_t>(picture.width), 4);
  put(header, static_cast<std::uint32_t>(picture.height), 4);
  put(header, picture.channels == 3 ? 0x08020000 : 0x08000000, 4);
  put(header, 0, 1);
  for (std::int64_t y = 0; y < picture.height; ++y) {
    raw.push_back(std::byte{0});
    for (const auto value : picture.row(y)) raw.push_back(static_cast<std::byte>(value));
  }
  std::uint32_t a = 1, b = 0;
  for (const auto value : raw) {
    a = (a + std::to_integer<std::uint32_t>(value)) % 65521;
    b = (b + a) % 65521;
  }
  for (std::size_t at = 0; at < raw.size(); at += 65535) {
    const auto length = static_cast<std::uint32_t>(std::min<std::size_t>(65535, raw.size() - at));
    put(data, at + length == raw.size() ? 1 : 0, 1);
    for (const auto value : {length, ~length}) put(data, (value & 255) << 8 | (value >> 8 & 255), 2);
    data.insert(data.end(), raw.begin() + static_cast<std::ptrdiff_t>(at),
                raw.begin() + static_cast<std::ptrdiff_t>(at + length));
  }
  put(data, b << 16 | a, 4);
  chunk("IHDR", header);
  chunk("IDAT", data);
  chunk("IEND", {});
  return file;
}

// Two dark lungs, a heart, ribs; `spot` moves a bright opacity.
inline GreyImage drawn_radiograph(double spot) {
  const std::int64_t side = 224;
  GreyImage image({.height = side, .width = side});
  for (std::int64_t y = 0; y < side; ++y) {
    for (std::int64_t x = 0; x < side; ++x) {
      const double u = static_cast<double>(x) / side - 0.5, v = static_cast<double>(y) / side - 0.5;
      const auto blob = [&](double cx, double cy, double rx, double ry) {
        return std::exp(-std::pow(std::pow((u - cx) / rx, 2) + std::pow((v - cy) / ry, 2), 2));
      };
      double value = 150 - 40 * std::abs(u) - 90 * (blob(-0.2, 0, 0.14, 0.3) + blob(0.2, 0, 0.14, 0.3));
      value += 60 * blob(0.05, 0.14, 0.13, 0.16) + 45 * blob(0, 0, 0.05, 0.6);
      value += 12 * std::sin(60 * (v + 0.9 * u * u)) * blob(0, 0, 0.38, 0.4);
      value += 70 * blob(-0.2 + 0.05 * spot, -0.15 + 0.12 * spot, 0.06, 0.05);
      image.at(y, x) = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
    }
  }
  return image;
}

// Every tag is closed in order; attributes are quoted; no bare < or &. The reason for the first violation, else "".
inline std::string malformed(std::string_view html) {
  std::vector<std::string> open;
  for (std::size_t i = 0; i < html.size();) {
    if (html[i] == '&' && (open.empty() || open.back() != "style")) {
      const auto end = html.find(';', i);
      if (end == std::string_view::npos || end - i > 6) return "bare & at " + std::to_string(i);
    }
    if (html[i] == '>') {
      if (open.empty() || open.back() != "style") return "bare > at " + std::to_string(i);
    }
    if (html[i] != '<') {
      ++i;
      continue;
    }
    const bool style = !open.empty() && open.back() == "style";
    if (style && html.substr(i, 8) != "</style>") return "tag within the style sheet";
    bool quoted = false;
    auto end = i + 1;
    for (; end < html.size() && (quoted || html[end] != '>'); ++end) {
      if (html[end] == '"') quoted = !quoted;
      if (html[end] == '<') return "< within a tag at " + std::to_string(end);
    }
    if (end == html.size()) return "unfinished tag at " + std::to_string(i);
    const auto tag = html.substr(i + 1, end - i - 1);
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1))
        return "</" + std::string(tag.substr(1)) + "> closes " + (open.empty() ? "nothing" : open.back());
      open.pop_back();
    } else if (tag[0] != '!' && tag[0] != '?' && tag.back() != '/') {
      open.emplace_back(tag.substr(0, tag.find_first_of(" \n")));
    }
    i = end + 1;
  }
  return open.empty() ? "" : open.back() + " stays open";
}

// The page without the digits of its PNG files, in which any three letters occur.
inline std::string without_pixels(std::string_view html) {
  std::string text;
  for (std::size_t at = 0; at < html.size();) {
    const auto start = std::min(html.find(";base64,", at), html.size());
    text += html.substr(at, start - at);
    at = std::min(html.find('"', start), html.size());
  }
  return text;
}

inline std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

}  // namespace mgca::test

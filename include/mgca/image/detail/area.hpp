// Reduction by area averages, with the pixels of OpenCV's INTER_AREA: its arithmetic is single precision along each row and then
// down, and roundings decide about grey levels, so that order is part of the result.
#pragma once

#include <mgca/core/plane.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace mgca::image::detail {

[[nodiscard]] inline std::uint8_t rounded(float value) {
  return static_cast<std::uint8_t>(std::clamp(std::nearbyint(value), 0.0F, 255.0F));
}

// What goes into one target pixel along one axis: `count` source pixels from `begin`, all of the weight `inner` but the ends.
struct Span {
  std::int64_t begin = 0;
  std::int64_t count = 0;
  float first = 0, inner = 0, last = 0;
  [[nodiscard]] float weight(std::int64_t i) const { return i == 0 ? first : i + 1 == count ? last : inner; }
};

inline std::vector<Span> area_spans(std::int64_t source, std::int64_t target) {
  const double scale = 1.0 / (static_cast<double>(target) / static_cast<double>(source));
  std::vector<Span> spans;
  for (std::int64_t to = 0; to < target; ++to) {
    const double begin = static_cast<double>(to) * scale, end = begin + scale;
    const double cell = std::min(scale, static_cast<double>(source) - begin);
    auto inner = static_cast<std::int64_t>(std::ceil(begin));
    const auto last = std::min(static_cast<std::int64_t>(std::floor(end)), source - 1);
    inner = std::min(inner, last);
    const bool head = static_cast<double>(inner) - begin > 1e-3, tail = end - static_cast<double>(last) > 1e-3;
    Span span{.begin = head ? inner - 1 : inner,
              .count = last - inner + (head ? 1 : 0) + (tail ? 1 : 0),
              .inner = static_cast<float>(1.0 / cell)};
    span.first = head ? static_cast<float>((static_cast<double>(inner) - begin) / cell) : span.inner;
    span.last = tail ? static_cast<float>(std::min(std::min(end - static_cast<double>(last), 1.0), cell) / cell) : span.inner;
    if (span.count == 1 && tail) span.first = span.last;
    spans.push_back(span);
  }
  return spans;
}

// One target pixel as the reference computes it: single precision, along each row, then down.
template <class T>
[[nodiscard]] float area_value(const Plane<const T>& in, const Span& rows, const Span& columns) {
  float sum = 0;
  for (std::int64_t j = 0; j < rows.count; ++j) {
    const T* source = in.row(rows.begin + j).data() + columns.begin;
    float line = 0;
    for (std::int64_t i = 0; i < columns.count; ++i) line += static_cast<float>(source[i]) * columns.weight(i);
    sum = j == 0 ? rows.weight(0) * line : sum + rows.weight(j) * line;
  }
  return sum;
}

// into[x] = the sum of `count` rows from `begin`, at most 257 of them so that 16 bits hold it. Several rows at once: that many
// fewer passes over the sums.
inline void sum_rows(const Plane<const std::uint8_t>& in, std::int64_t begin, std::int64_t count, std::vector<std::uint16_t>& into) {
  const auto W = static_cast<std::size_t>(in.width);
  std::uint16_t* sum = into.data();
  std::fill(into.begin(), into.end(), std::uint16_t{0});
  const auto at = [&](std::int64_t y) { return in.pixels.data() + static_cast<std::size_t>(begin + y) * W; };
  std::int64_t y = 0;
  for (; y + 4 <= count; y += 4) {
    const auto *a = at(y), *b = at(y + 1), *c = at(y + 2), *d = at(y + 3);
    for (std::size_t x = 0; x < W; ++x) sum[x] = static_cast<std::uint16_t>(sum[x] + a[x] + b[x] + c[x] + d[x]);
  }
  for (; y < count; ++y) {
    const auto* a = at(y);
    for (std::size_t x = 0; x < W; ++x) sum[x] = static_cast<std::uint16_t>(sum[x] + a[x]);
  }
}

// Whole blocks: integer sums.
inline GreyImage area_of_blocks(const Plane<const std::uint8_t>& in, const ImageSize& o) {
  GreyImage out({.height = o.height, .width = o.width});
  const auto ky = in.height / o.height, kx = in.width / o.width;
  const auto scale = 1.0F / static_cast<float>(kx * ky);
  std::vector<std::uint16_t> part(static_cast<std::size_t>(in.width));
  std::vector<std::int64_t> sums(static_cast<std::size_t>(o.width));
  for (std::int64_t y = 0; y < o.height; ++y) {
    std::fill(sums.begin(), sums.end(), 0);
    for (std::int64_t begin = 0; begin < ky; begin += 256) {
      sum_rows(in, y * ky + begin, std::min<std::int64_t>(256, ky - begin), part);
      const std::uint16_t* from = part.data();
      for (auto& sum : sums) {
        for (std::int64_t i = 0; i < kx; ++i) sum += *from++;
      }
    }
    auto line = out.plane().row(y);
    for (std::size_t x = 0; x < sums.size(); ++x) {
      line[x] = kx == 2 && ky == 2 ? static_cast<std::uint8_t>((sums[x] + 2) >> 2) : rounded(static_cast<float>(sums[x]) * scale);
    }
  }
  return out;
}

// Integer sums down the rows, then along them, give every value to within a known error. Only where that leaves the rounding
// open, about one pixel in a hundred, is the reference's own arithmetic repeated: the same pixels, an order of magnitude sooner.
inline GreyImage area_of_cells(const Plane<const std::uint8_t>& in, const ImageSize& o) {
  GreyImage out({.height = o.height, .width = o.width});
  const auto rows = area_spans(in.height, o.height), columns = area_spans(in.width, o.width);
  const auto part = [](float weight, float inner) {
    return static_cast<std::uint64_t>(std::nearbyint(static_cast<double>(weight) / static_cast<double>(inner) * 65536.0));
  };
  struct Ends {
    std::uint64_t first, last;
  };
  std::vector<Ends> ends;  // of the columns, as 1 / 65536 of the inner weight
  for (const auto& c : columns) ends.push_back({part(c.first, c.inner), part(c.last, c.inner)});
  std::vector<std::uint16_t> inner(static_cast<std::size_t>(in.width));
  std::vector<std::uint32_t> down(static_cast<std::size_t>(in.width));
  std::vector<std::uint64_t> before(down.size() + 1, 0);  // sums of `down` from the left
  for (std::size_t y = 0; y < rows.size(); ++y) {
    const auto& r = rows[y];
    sum_rows(in, r.begin + 1, std::max<std::int64_t>(0, r.count - 2), inner);
    const auto end_part = [&](float weight) { return static_cast<std::uint16_t>(std::min<std::uint64_t>(part(weight, r.inner), 65535)); };
    const std::uint16_t first = end_part(r.first), last = r.count > 1 ? end_part(r.last) : std::uint16_t{0};
    const auto *top = in.row(r.begin).data(), *bottom = in.row(r.begin + r.count - 1).data();
    for (std::size_t x = 0; x < down.size(); ++x)
      down[x] = (std::uint32_t{inner[x]} << 16) + std::uint32_t{first} * top[x] + std::uint32_t{last} * bottom[x];
    std::uint64_t left = 0;
    for (std::size_t x = 0; x < down.size(); ++x) before[x + 1] = left += down[x];
    auto line = out.plane().row(static_cast<std::int64_t>(y));
    for (std::size_t x = 0; x < columns.size(); ++x) {
      const auto& c = columns[x];
      const auto begin = static_cast<std::size_t>(c.begin), end = static_cast<std::size_t>(c.begin + c.count - 1);
      std::uint64_t sum = ends[x].first * down[begin];
      if (end > begin) sum += ((before[end] - before[begin + 1]) << 16) + ends[x].last * down[end];
      const double cell = static_cast<double>(r.inner) * static_cast<double>(c.inner), value = static_cast<double>(sum) * 0x1.0p-32 * cell;
      // A unit of 1 / 65536 at each end, and a rounding of single precision for each of the reference's operations.
      const double error =
          255 * (0x1.0p-15 * static_cast<double>(r.inner + c.inner) + 0x1.0p-24 * static_cast<double>(r.count + c.count + 8));
      const double above = value + 0.5;
      const int whole = static_cast<int>(above);
      const bool open = above - whole < error || whole + 1 - above < error;
      line[x] = open ? rounded(area_value(in, r, c)) : static_cast<std::uint8_t>(std::min(whole, 255));
    }
  }
  return out;
}

// For sums that 16 bits do not hold, and for masks.
template <class T>
[[nodiscard]] Image<T> area_by_pixel(const Plane<const T>& in, const ImageSize& o) {
  Image<T> out({.height = o.height, .width = o.width});
  const auto rows = area_spans(in.height, o.height), columns = area_spans(in.width, o.width);
  for (std::size_t y = 0; y < rows.size(); ++y) {
    auto line = out.plane().row(static_cast<std::int64_t>(y));
    for (std::size_t x = 0; x < columns.size(); ++x) {
      const float value = area_value(in, rows[y], columns[x]);
      if constexpr (std::is_same_v<T, float>) {
        line[x] = value;
      } else {
        line[x] = rounded(value);
      }
    }
  }
  return out;
}

inline GreyImage area(const Plane<const std::uint8_t>& in, const ImageSize& o) {
  if (in.height % o.height == 0 && in.width % o.width == 0) return area_of_blocks(in, o);
  return in.height / o.height < 255 && in.width / o.width < 255 ? area_of_cells(in, o) : area_by_pixel(in, o);
}

}  // namespace mgca::image::detail

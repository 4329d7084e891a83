// A stored picture on its way into a batch. Every draw has an address (seed, epoch, record, view, use), so threads and restarts
// cannot change it, and what moves pixels is drawn apart from what changes them, so that masks and boxes can follow.
#pragma once

#include <mgca/core/box.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/core/random.hpp>
#include <mgca/image/affine.hpp>
#include <mgca/image/augmentation.hpp>
#include <mgca/image/blur.hpp>
#include <mgca/image/geometry.hpp>
#include <mgca/image/tone.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace mgca::image {

// Everything of one augmentation that moves pixels.
struct Movement {
  Similarity similarity;
  CropOptions window;     // cut out of the moved picture,
  std::int64_t side = 0;  // resized to this square,
  bool mirrored = false;  // and shown from the other side
};

namespace detail {
// value -> (value - pivot) * factor + pivot, to the nearest representable.
inline void rescale(const Plane<std::uint8_t>& picture, double factor, double pivot) {
  std::array<std::uint8_t, 256> level{};
  for (std::size_t value = 0; value < level.size(); ++value) {
    level[value] = static_cast<std::uint8_t>(std::clamp(std::nearbyint((static_cast<double>(value) - pivot) * factor + pivot), 0.0, 255.0));
  }
  for (auto& pixel : picture.pixels) pixel = level[pixel];
}

inline void jitter_tone(const Plane<std::uint8_t>& picture, const Augmentation& how, const RandomKey& key) {
  RandomStream chance(key, Use::jitter);
  if (!(chance.uniform() < how.jittered)) return;
  const double brightness = RandomStream(key, Use::brightness).uniform(1 - how.brightness, 1 + how.brightness);
  const double contrast = RandomStream(key, Use::contrast).uniform(1 - how.contrast, 1 + how.contrast);
  if (how.jitter == Jitter::random_order) {
    const bool contrast_first = chance.uniform() < 0.5;
    if (how.contrast > 0 && contrast_first) adjust_contrast(picture, contrast);
    if (how.brightness > 0) adjust_brightness(picture, brightness);
    if (how.contrast > 0 && !contrast_first) adjust_contrast(picture, contrast);
    return;
  }
  if (how.brightness > 0) rescale(picture, brightness, 0);
  if (how.contrast > 0) {
    double mean = 0;
    for (const auto pixel : picture.pixels) mean += pixel;
    rescale(picture, contrast, mean / static_cast<double>(picture.pixels.size()));
  }
}

[[nodiscard]] inline std::int64_t place(RandomStream& stream, std::int64_t spare) {
  return static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(spare + 1)));
}

// Ten tries for a window of a random part and shape, then the largest central one of an allowed shape.
// Reference: torchvision.transforms.RandomResizedCrop.
inline CropOptions resized_window(const Augmentation& how, const ImageSize& size, RandomStream& stream) {
  const auto H = static_cast<double>(size.height), W = static_cast<double>(size.width);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = H * W * stream.uniform(how.least_area, 1),
                 ratio = std::exp(stream.uniform(-std::log(how.aspect), std::log(how.aspect)));
    CropOptions window{.height = static_cast<std::int64_t>(std::nearbyint(std::sqrt(area / ratio))),
                       .width = static_cast<std::int64_t>(std::nearbyint(std::sqrt(area * ratio)))};
    if (window.height < 1 || window.width < 1 || window.height > size.height || window.width > size.width) continue;
    window.top = place(stream, size.height - window.height);
    window.left = place(stream, size.width - window.width);
    return window;
  }
  CropOptions window{.height = std::min(size.height, static_cast<std::int64_t>(std::nearbyint(W * how.aspect))),
                     .width = std::min(size.width, static_cast<std::int64_t>(std::nearbyint(H * how.aspect)))};
  window.top = (size.height - window.height) / 2;
  window.left = (size.width - window.width) / 2;
  return window;
}
}  // namespace detail

// How far one picture is turned, scaled and shifted.
[[nodiscard]] inline Similarity drawn_similarity(const Augmentation& how, const RandomKey& key) {
  Similarity out;
  const bool still = how.rotate == 0 && how.scale == 0 && how.shift == 0;
  if (still || !(draw(key, Use::apply) < how.moved)) return out;
  out.angle = RandomStream(key, Use::rotate).uniform(-how.rotate, how.rotate);
  out.scale = RandomStream(key, Use::scale).uniform(1 - how.scale, 1 + how.scale);
  RandomStream shift(key, Use::shift);
  out.shift_x = shift.uniform(-how.shift, how.shift);
  out.shift_y = shift.uniform(-how.shift, how.shift);
  return out;
}

// What moves the pixels of one picture of this size. Throws Error(argument) where the crop does not fit.
[[nodiscard]] inline Movement drawn_movement(const Augmentation& how, const ImageSize& size, const RandomKey& key) {
  Movement out{.similarity = drawn_similarity(how, key), .side = how.crop, .mirrored = how.flip > 0 && draw(key, Use::flip) < how.flip};
  RandomStream stream(key, Use::crop);
  if (how.least_area < 1) {
    out.window = detail::resized_window(how, size, stream);
    return out;
  }
  MGCA_CHECK(size.height >= how.crop && size.width >= how.crop, "augment: a crop of ", how.crop, " does not fit ", size.height, " x ",
             size.width, " pixels; store larger pictures or crop less");
  const auto spare_y = size.height - how.crop, spare_x = size.width - how.crop;
  out.window = {.top = spare_y / 2, .left = spare_x / 2, .height = how.crop, .width = how.crop};
  if (how.random_crop) {
    out.window.top = detail::place(stream, spare_y);
    out.window.left = detail::place(stream, spare_x);
  }
  return out;
}

namespace detail {
// A picture moved: bilinear when turned, by area averages when its window is reduced. Without a copy in between where pixels stay
// what they are.
inline void move_into(const Plane<std::uint8_t>& out, const Plane<const std::uint8_t>& picture, const Movement& m) {
  const ImageSize size{.height = picture.height, .width = picture.width};
  const GreyImage turned = m.similarity == Similarity{} ? GreyImage() : warp(picture, affine_of(m.similarity, size));
  const auto from = turned.empty() ? picture : turned.plane();
  const bool resized = m.window.height != m.side || m.window.width != m.side;
  const GreyImage square = resized ? resize(crop(from, m.window).plane(), {.height = m.side, .width = m.side}) : GreyImage();
  for (std::int64_t y = 0; y < m.side; ++y) {
    const auto row = resized
                         ? square.plane().row(y)
                         : from.row(m.window.top + y).subspan(static_cast<std::size_t>(m.window.left), static_cast<std::size_t>(m.side));
    if (m.mirrored) {
      std::reverse_copy(row.begin(), row.end(), out.row(y).begin());
    } else {
      std::copy(row.begin(), row.end(), out.row(y).begin());
    }
  }
}
}  // namespace detail

// A mask of the picture's size moved with it: every pixel takes the value of the nearest one.
template <class T>
[[nodiscard]] Image<T> moved_mask(const Plane<const T>& mask, const Movement& m) {
  const ImageSize size{.height = mask.height, .width = mask.width};
  const auto turned = m.similarity == Similarity{} ? Image<T>() : warp_nearest(mask, affine_of(m.similarity, size));
  const Plane<const T> from = turned.empty() ? mask : turned.plane();
  Image<T> out({.height = m.side, .width = m.side});
  for (std::int64_t y = 0; y < m.side; ++y) {
    for (std::int64_t x = 0; x < m.side; ++x) {
      out.at(y, m.mirrored ? m.side - 1 - x : x) =
          from.at(m.window.top + y * m.window.height / m.side, m.window.left + x * m.window.width / m.side);
    }
  }
  return out;
}

// A box of a picture of `size` moved with it, cut off at the window; of no area where nothing is left.
[[nodiscard]] inline Box moved_box(const Box& box, const ImageSize& size, const Movement& m) {
  const auto side = static_cast<double>(m.side), sx = side / static_cast<double>(m.window.width),
             sy = side / static_cast<double>(m.window.height);
  Affine all = affine_of(m.similarity, size);  // then the window's corner to 0, its sides to `side`, and the mirror
  all = {.xx = all.xx * sx,
         .xy = all.xy * sx,
         .x0 = (all.x0 - static_cast<double>(m.window.left)) * sx,
         .yx = all.yx * sy,
         .yy = all.yy * sy,
         .y0 = (all.y0 - static_cast<double>(m.window.top)) * sy};
  if (m.mirrored) all.xx = -all.xx, all.xy = -all.xy, all.x0 = side - all.x0;
  return warp(box, all, {.height = m.side, .width = m.side});
}

// The picture as one training step sees it, into `out`, crop x crop. Throws Error(argument) for a picture smaller than the crop.
inline void augment_into(const Plane<std::uint8_t>& out, const Plane<const std::uint8_t>& stored, const Augmentation& how,
                         const RandomKey& key) {
  MGCA_CHECK(stored.channels == 1 && out.channels == 1 && out.height == how.crop && out.width == how.crop,
             "augment: expected one channel, and room for ", how.crop, " x ", how.crop, " pixels, got ", stored.channels, " channels and ",
             out.height, " x ", out.width, " x ", out.channels);
  detail::move_into(out, stored, drawn_movement(how, {.height = stored.height, .width = stored.width}, key));
  if (how.brightness > 0 || how.contrast > 0) detail::jitter_tone(out, how, key);
  if (how.blurred == 0) return;
  RandomStream blur(key, Use::blur);
  if (!(blur.uniform() < how.blurred)) return;
  const auto soft = gaussian_blur(out, blur.uniform(how.least_blur, how.most_blur));
  std::copy(soft.pixels().begin(), soft.pixels().end(), out.pixels.begin());
}

[[nodiscard]] inline GreyImage augment(const Plane<const std::uint8_t>& stored, const Augmentation& how, const RandomKey& key) {
  GreyImage picture({.height = how.crop, .width = how.crop});
  augment_into(picture.plane(), stored, how, key);
  return picture;
}

}  // namespace mgca::image

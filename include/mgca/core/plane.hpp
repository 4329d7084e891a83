// Pixels on host memory: Plane<T> looks at them, Image<T> owns them.
// Layout: row-major, channels interleaved; pixel (y, x, c) lies at (y * width + x) * channels + c.
#pragma once

#include <mgca/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace mgca {

template <class T>
struct Plane {
  std::span<T> pixels;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 1;

  [[nodiscard]] T& at(std::int64_t y, std::int64_t x, std::int64_t c = 0) const {
    return pixels[static_cast<std::size_t>((y * width + x) * channels + c)];
  }
  [[nodiscard]] std::span<T> row(std::int64_t y) const {
    return pixels.subspan(static_cast<std::size_t>(y * width * channels),
                          static_cast<std::size_t>(width * channels));
  }
  operator Plane<const T>() const  // NOLINT(google-explicit-constructor): a view that promises less
    requires(!std::is_const_v<T>)
  {
    return {.pixels = pixels, .height = height, .width = width, .channels = channels};
  }
};

struct ImageSize {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 1;
  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

template <class T>
class Image {
 public:
  Image() = default;
  // Pixels start at `value`. Throws Error(argument) unless all sides are positive and their product fits the address space.
  explicit Image(ImageSize size, T value = T{}) : size_(size) {
    MGCA_CHECK(size.height > 0 && size.width > 0 && size.channels > 0, "image: expected positive sides, got ",
               size.height, " x ", size.width, " x ", size.channels);
    std::size_t count = 0;
    const bool fits = !__builtin_mul_overflow(size.height, size.width, &count) &&
                      !__builtin_mul_overflow(count, size.channels, &count) && count <= pixels_.max_size();
    MGCA_CHECK(fits, "image: ", size.height, " x ", size.width, " x ", size.channels, " pixels fit no memory");
    pixels_.assign(count, value);
  }

  [[nodiscard]] ImageSize size() const { return size_; }
  [[nodiscard]] std::int64_t height() const { return size_.height; }
  [[nodiscard]] std::int64_t width() const { return size_.width; }
  [[nodiscard]] std::int64_t channels() const { return size_.channels; }
  [[nodiscard]] bool empty() const { return pixels_.empty(); }
  [[nodiscard]] std::span<T> pixels() { return pixels_; }
  [[nodiscard]] std::span<const T> pixels() const { return pixels_; }

  [[nodiscard]] Plane<T> plane() {
    return {.pixels = pixels_, .height = size_.height, .width = size_.width, .channels = size_.channels};
  }
  [[nodiscard]] Plane<const T> plane() const {
    return {.pixels = pixels_, .height = size_.height, .width = size_.width, .channels = size_.channels};
  }
  [[nodiscard]] T& at(std::int64_t y, std::int64_t x, std::int64_t c = 0) { return plane().at(y, x, c); }
  [[nodiscard]] const T& at(std::int64_t y, std::int64_t x, std::int64_t c = 0) const {
    return plane().at(y, x, c);
  }

 private:
  ImageSize size_;
  std::vector<T> pixels_;
};

using GreyImage = Image<std::uint8_t>;  // one channel unless said otherwise

}  // namespace mgca

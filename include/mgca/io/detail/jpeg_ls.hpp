// JPEG-LS, one grey component, lossless and near-lossless, 2 to 16 bits. Reference: ITU-T T.87, whose names are kept.
// Of our own because DCMTK 3.6.7 fails on fewer than 8 bits a sample, and a damaged stream must be seen.
#pragma once

#include <mgca/io/detail/image_container.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace mgca::io::detail {

struct JpegLsParameters {
  int maxval = 0, near = 0, t1 = 0, t2 = 0, t3 = 0, reset = 0;  // 0: the default
};

// Default thresholds, T.87 C.2.4.1.1.1. False where what is given is out of range.
inline bool complete(JpegLsParameters& p, int precision) {
  const int top = (1 << precision) - 1;
  if (p.maxval == 0) p.maxval = top;
  if (p.maxval > top || p.near > std::min(255, p.maxval / 2)) return false;
  const bool large = p.maxval >= 128;
  const int factor = large ? (std::min(p.maxval, 4095) + 128) / 256 : 256 / (p.maxval + 1);
  const auto value = [&](int given, int basic, int offset, int times, int least) {
    if (given != 0) return given;
    const int usual = (large ? factor * (basic - offset) + offset : std::max(offset, basic / factor)) + times * p.near;
    return usual > p.maxval || usual < least ? least : usual;
  };
  p.t1 = value(p.t1, 3, 2, 3, p.near + 1);
  p.t2 = value(p.t2, 7, 3, 5, p.t1);
  p.t3 = value(p.t3, 21, 4, 7, p.t2);
  if (p.reset == 0) p.reset = 64;
  return p.near < p.t1 && p.t1 <= p.t2 && p.t2 <= p.t3 && p.t3 <= p.maxval && p.reset >= 3 && p.reset <= std::max(255, p.maxval);
}

// Bits of a scan, up to its marker: behind a byte of ones stands a byte of seven bits.
class JpegLsBits {
 public:
  explicit JpegLsBits(std::span<const std::byte> scan) : scan_(scan) {}

  int take(int count) {
    if (count == 0) return 0;
    need(count);
    const auto value = static_cast<int>(bits_ >> (64 - count));
    drop(count);
    return value;
  }
  // Zeros before the next one, which is taken too.
  int zeros(int limit) {
    for (int sum = 0;;) {
      need(1);
      const int some = std::min(std::countl_zero(bits_), count_);
      sum += some;
      if (sum > limit) damaged();
      const bool found = some < count_;
      drop(found ? some + 1 : some);
      if (found) return sum;
    }
  }
  [[nodiscard]] bool at_end() const { return scan_.size() - at_ + static_cast<std::size_t>(count_) / 8 <= 2; }  // but for padding
  [[noreturn]] static void damaged() { throw ImageProblem("JPEG-LS: the pixel data are damaged or cut off"); }

 private:
  void need(int count) {
    while (count_ <= 56 && at_ < scan_.size()) {
      const auto byte = std::to_integer<std::uint64_t>(scan_[at_++]);
      const int width = stuffed_ ? 7 : 8;
      bits_ |= byte << (64 - width - count_);
      count_ += width;
      stuffed_ = byte == 0xFF;
    }
    if (count_ < count) damaged();
  }
  void drop(int count) {
    bits_ = count == 64 ? 0 : bits_ << count;
    count_ -= count;
  }

  std::span<const std::byte> scan_;
  std::size_t at_ = 0;
  std::uint64_t bits_ = 0;  // the next `count_` at the top
  int count_ = 0;
  bool stuffed_ = false;
};

class JpegLsDecoder {
 public:
  JpegLsDecoder(std::span<const std::byte> scan, const JpegLsParameters& p) : bits_(scan), p_(p), step_(2 * p.near + 1) {
    range_ = (p.maxval + 2 * p.near) / step_ + 1;
    qbpp_ = static_cast<int>(std::bit_width(static_cast<unsigned>(range_ - 1)));
    const int bpp = std::max(2, static_cast<int>(std::bit_width(static_cast<unsigned>(p.maxval))));
    limit_ = 2 * (bpp + std::max(8, bpp));
    for (auto& one : contexts_) one.a = std::max(2, (range_ + 32) / 64);
  }

  void decode(std::span<std::uint16_t> out, std::size_t width) {
    std::vector<int> above(width + 2), line(width + 2);  // a pixel more on either side
    for (std::size_t row = 0; row < out.size() / width; ++row) {
      line[0] = above[1];
      above[width + 1] = above[width];
      decode_line(above, line, width);
      std::transform(line.begin() + 1, line.end() - 1, out.begin() + static_cast<std::ptrdiff_t>(row * width),
                     [](int v) { return static_cast<std::uint16_t>(v); });
      above.swap(line);
    }
    if (!bits_.at_end()) throw ImageProblem("JPEG-LS: pixel data go on behind the last pixel");
  }

 private:
  struct Context {
    std::int64_t a = 0;
    int b = 0, c = 0, n = 1;  // in run contexts b counts negative errors
  };

  void decode_line(const std::vector<int>& above, std::vector<int>& line, std::size_t width) {
    for (std::size_t x = 1; x <= width;) {
      const int a = line[x - 1], b = above[x], c = above[x - 1], d = above[x + 1];
      const int context = 81 * quantized(d - b) + 9 * quantized(b - c) + quantized(c - a);
      if (context == 0) {
        x = decode_run(above, line, x, width);
      } else {
        const int sign = context < 0 ? -1 : 1;
        const int predicted = c >= std::max(a, b) ? std::min(a, b) : c <= std::min(a, b) ? std::max(a, b) : a + b - c;
        line[x++] = decode_regular(contexts_[static_cast<std::size_t>(std::abs(context))], predicted, sign);
      }
    }
  }

  [[nodiscard]] int quantized(int d) const {
    const int size = std::abs(d);
    const int q = size <= p_.near ? 0 : size < p_.t1 ? 1 : size < p_.t2 ? 2 : size < p_.t3 ? 3 : 4;
    return d < 0 ? -q : q;
  }

  int decode_regular(Context& at, int predicted, int sign) {
    const int corrected = std::clamp(predicted + sign * at.c, 0, p_.maxval);
    const int k = golomb_of(at.a, at.n);
    const int m = golomb(k, limit_);
    const bool mirrored = p_.near == 0 && k == 0 && 2 * at.b <= -at.n;
    const int error = mirrored ? (m % 2 != 0 ? (m - 1) / 2 : -(m / 2) - 1) : (m % 2 != 0 ? -(m + 1) / 2 : m / 2);
    at.b += error * step_;
    at.a += std::abs(error);
    if (at.n == p_.reset) at.a >>= 1, at.b >>= 1, at.n >>= 1;
    ++at.n;
    if (at.b <= -at.n) {
      at.b = std::max(at.b + at.n, 1 - at.n);
      at.c = std::max(at.c - 1, -128);
    } else if (at.b > 0) {
      at.b = std::min(at.b - at.n, 0);
      at.c = std::min(at.c + 1, 127);
    }
    return reconstructed(corrected, sign * error);
  }

  std::size_t decode_run(const std::vector<int>& above, std::vector<int>& line, std::size_t x, std::size_t width) {
    constexpr std::array<int, 32> order{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,  2,  3,  3,  3,  3,
                                        4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const int value = line[x - 1];
    const auto fill = [&](std::size_t count) {
      if (count > width + 1 - x) JpegLsBits::damaged();
      std::fill_n(line.begin() + static_cast<std::ptrdiff_t>(x), count, value);
      x += count;
    };
    while (bits_.take(1) == 1) {
      const auto whole = std::size_t{1} << order[run_];
      const auto count = std::min(whole, width + 1 - x);
      fill(count);
      if (count == whole && run_ < 31) ++run_;
      if (x > width) return x;
    }
    fill(static_cast<std::size_t>(bits_.take(order[run_])));
    if (x > width) JpegLsBits::damaged();
    const int b = above[x];
    const int alike = std::abs(value - b) <= p_.near ? 1 : 0;
    auto& at = contexts_[static_cast<std::size_t>(365 + alike)];
    const int k = golomb_of(at.a + (alike != 0 ? at.n >> 1 : 0), at.n);
    const int m = golomb(k, limit_ - order[run_] - 1), size = (m + alike + 1) / 2;
    const bool odd = (m + alike) % 2 != 0, usual = k != 0 || 2 * at.b >= at.n;
    const int error = usual == odd ? -size : size;
    if (error < 0) ++at.b;
    at.a += (m + 1 - alike) >> 1;
    if (at.n == p_.reset) at.a >>= 1, at.b >>= 1, at.n >>= 1;
    ++at.n;
    line[x] = alike != 0 ? reconstructed(value, error) : reconstructed(b, value > b ? -error : error);
    if (run_ > 0) --run_;
    return x + 1;
  }

  static int golomb_of(std::int64_t a, std::int64_t n) {
    int k = 0;
    while (n << k < a) ++k;
    return k;
  }

  int golomb(int k, int limit) {
    const int high = bits_.zeros(limit);
    if (k > 20) JpegLsBits::damaged();  // far above what errors of 16 bits can lead to
    const int value = high < limit - qbpp_ - 1 ? (high << k) + bits_.take(k) : bits_.take(qbpp_) + 1;
    if (value > 2 * range_) JpegLsBits::damaged();
    return value;
  }

  [[nodiscard]] int reconstructed(int predicted, int error) const {
    int value = predicted + error * step_;
    if (value < -p_.near)
      value += range_ * step_;
    else if (value > p_.maxval + p_.near)
      value -= range_ * step_;
    return std::clamp(value, 0, p_.maxval);
  }

  JpegLsBits bits_;
  JpegLsParameters p_;
  int step_, range_ = 0, qbpp_ = 0, limit_ = 0;
  std::size_t run_ = 0;
  std::array<Context, 367> contexts_;
};

}  // namespace mgca::io::detail

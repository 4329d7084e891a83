// What a file says of a tensor: name, type of element, shape.
// Reference: https://github.com/huggingface/safetensors (names of the types); torch.dtype.
#pragma once

#include <mgca/core/enum.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::io {

// The types of safetensors under its names, and c128, which only torch has. F8_E4M3 is torch's float8_e4m3fn.
enum class Dtype : std::uint8_t {
  boolean, u8, i8, i16, u16, i32, u32, i64, u64, f16, bf16, f32, f64, f8_e4m3, f8_e5m2, f8_e8m0, f8_e4m3fnuz, f8_e5m2fnuz, c64, c128,
  f4, f6_e2m3, f6_e3m2
};
constexpr auto names_of(Dtype) {
  return std::to_array<std::string_view>({"BOOL", "U8", "I8", "I16", "U16", "I32", "U32", "I64", "U64", "F16", "BF16", "F32", "F64",
                                          "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "C64", "C128", "F4", "F6_E2M3",
                                          "F6_E3M2"});
}
[[nodiscard]] constexpr std::size_t bits_of(Dtype dtype) {
  constexpr std::array<std::size_t, 23> bits{8, 8, 8, 16, 16, 32, 32, 64, 64, 16, 16, 32, 64, 8, 8, 8, 8, 8, 64, 128, 4, 6, 6};
  static_assert(bits.size() == names_of(Dtype{}).size());
  return bits[static_cast<std::size_t>(dtype)];
}
// Bytes of an element; 0 for f4, f6_e2m3 and f6_e3m2, whose elements share bytes.
[[nodiscard]] constexpr std::size_t size_of(Dtype dtype) { return bits_of(dtype) % 8 == 0 ? bits_of(dtype) / 8 : 0; }

// Bytes of a tensor of this shape; nothing where a side is negative, a product does not fit 63 bits (another side of 0
// does not excuse that), or elements of less than a byte do not fill the last one.
[[nodiscard]] constexpr std::optional<std::uint64_t> byte_count(Dtype dtype, std::span<const std::int64_t> shape) {
  std::uint64_t bits = bits_of(dtype), nonzero = bits;
  for (const auto side : shape) {
    if (side < 0) return std::nullopt;
    if (side != 0 && (__builtin_mul_overflow(nonzero, static_cast<std::uint64_t>(side), &nonzero) || nonzero > INT64_MAX)) {
      return std::nullopt;
    }
    bits = side == 0 ? 0 : bits;
  }
  if (bits != 0) bits = nonzero;
  if (bits % 8 != 0) return std::nullopt;
  return bits / 8;
}

struct TensorInfo {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;  // empty: a scalar

  friend bool operator==(const TensorInfo&, const TensorInfo&) = default;
};

}  // namespace mgca::io

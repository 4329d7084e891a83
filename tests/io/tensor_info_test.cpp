#include "catch.hpp"

#include <mgca/io/tensor_info.hpp>

#include <vector>

using mgca::io::byte_count;
using mgca::io::Dtype;

namespace {
std::optional<std::uint64_t> bytes(Dtype dtype, const std::vector<std::int64_t>& shape) { return byte_count(dtype, shape); }
}  // namespace

TEST_CASE("tensor_info: types are named as in the safetensors format and know their size", "[io][fast]") {
  CHECK(mgca::to_string(Dtype::boolean) == "BOOL");
  CHECK(mgca::to_string(Dtype::f8_e4m3) == "F8_E4M3");
  CHECK(mgca::parse_enum<Dtype>("F6_E3M2") == Dtype::f6_e3m2);
  CHECK(size_of(Dtype::bf16) == 2);
  CHECK(size_of(Dtype::c128) == 16);
  CHECK(size_of(Dtype::f4) == 0);
  CHECK(bits_of(Dtype::f6_e2m3) == 6);
}

TEST_CASE("tensor_info: the size of a tensor is exact or refused", "[io][fast]") {
  CHECK(bytes(Dtype::f32, {}) == 4U);
  CHECK(bytes(Dtype::f32, {2, 3}) == 24U);
  CHECK(bytes(Dtype::f64, {5, 0, 7}) == 0U);
  CHECK(bytes(Dtype::f4, {3, 2}) == 3U);
  CHECK(bytes(Dtype::f6_e2m3, {4}) == 3U);
  CHECK_FALSE(bytes(Dtype::f4, {3}));
  CHECK_FALSE(bytes(Dtype::f6_e2m3, {}));
  CHECK_FALSE(bytes(Dtype::f32, {-1}));
  CHECK_FALSE(bytes(Dtype::f32, {-2, -2}));
  CHECK_FALSE(bytes(Dtype::u8, {std::int64_t{1} << 32, std::int64_t{1} << 32}));
  CHECK_FALSE(bytes(Dtype::u8, {0, std::int64_t{1} << 32, std::int64_t{1} << 32}));
  CHECK_FALSE(bytes(Dtype::u8, {std::int64_t{1} << 32, std::int64_t{1} << 32, 0}));
}

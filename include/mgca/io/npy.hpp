// One array as a .npy file: the everyday way into numpy.
// Reference: NEP 1, "A Simple File Format for NumPy Arrays", version 1.0.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>
#include <mgca/io/safetensors.hpp>  // TensorRecord
#include <mgca/io/tensor_info.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace mgca::io {

// The type as numpy spells it, little-endian. Throws Error(argument) for what numpy has no type for.
[[nodiscard]] inline std::string npy_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::boolean: return "|b1";
    case Dtype::u8: return "|u1";
    case Dtype::i8: return "|i1";
    case Dtype::i16: return "<i2";
    case Dtype::u16: return "<u2";
    case Dtype::i32: return "<i4";
    case Dtype::u32: return "<u4";
    case Dtype::i64: return "<i8";
    case Dtype::u64: return "<u8";
    case Dtype::f16: return "<f2";
    case Dtype::f32: return "<f4";
    case Dtype::f64: return "<f8";
    default: fail(ErrorKind::argument, "npy: numpy has no type for ", to_string(dtype), "; convert the array to F32 first");
  }
}

// Magic, version, length and description; the data begin at a multiple of 64.
[[nodiscard]] inline std::string npy_header(Dtype dtype, std::span<const std::int64_t> shape) {
  std::string sides;
  for (const auto side : shape) {
    MGCA_CHECK(side >= 0, "npy: a side of ", side, "; sides are 0 or more");
    sides += (sides.empty() ? "" : ", ") + std::to_string(side);
  }
  if (shape.size() == 1) sides += ",";  // a tuple of one
  std::string text = "{'descr': '" + npy_type(dtype) + "', 'fortran_order': False, 'shape': (" + sides + "), }";
  constexpr std::size_t before = 10, step = 64;
  text.append((step - (before + text.size() + 1) % step) % step, ' ');
  text += '\n';
  MGCA_CHECK(text.size() < 65536, "npy: an array of ", shape.size(), " dimensions has no version 1.0 header");
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(text.size() & 0xFFU);
  header += static_cast<char>(text.size() >> 8);
  return header + text;
}

// Replaces the file as a whole. The tensor's name is not written. Throws Error(argument) for bytes that do not fill the
// shape, Error(system) where the file cannot be written.
inline void write_npy(Files& files, const std::filesystem::path& path, const TensorRecord& array) {
  const auto header = npy_header(array.dtype, array.shape);
  const auto size = byte_count(array.dtype, array.shape);
  MGCA_CHECK(size, "npy: the shape of '", array.name, "' overflows");
  MGCA_CHECK(*size == array.bytes.size(), "npy: '", array.name, "' has ", array.bytes.size(), " bytes, its shape needs ", *size);
  AtomicFile file(files, path);
  file.write(std::as_bytes(std::span(header)));
  file.write(array.bytes);
  file.commit();
}
inline void write_npy(const std::filesystem::path& path, const TensorRecord& array) { write_npy(posix_files(), path, array); }

}  // namespace mgca::io

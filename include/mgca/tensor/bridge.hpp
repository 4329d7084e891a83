// Between host pixels and tensors.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/tensor/torch.hpp>

#include <ATen/Context.h>

#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace mgca {

// A copy of host values as a tensor of the given shape.
template <class T>
[[nodiscard]] Tensor tensor_of(std::span<const T> values, at::IntArrayRef shape) {
  auto tensor = torch::empty(shape, torch::CppTypeToScalarType<T>::value);
  MGCA_CHECK(static_cast<std::size_t>(tensor.numel()) == values.size(), "tensor_of: shape ", shape, " needs ",
             tensor.numel(), " values, got ", values.size());
  if (!values.empty()) std::memcpy(tensor.data_ptr(), values.data(), values.size_bytes());
  return tensor;
}

// A copy of the pixels as (channels, height, width).
template <class T>
[[nodiscard]] Tensor tensor_of(const Plane<T>& plane) {
  using Value = std::remove_const_t<T>;
  return tensor_of(std::span<const Value>(plane.pixels), {plane.height, plane.width, plane.channels})
      .permute({2, 0, 1})
      .contiguous();
}

// The values of a contiguous CPU tensor, valid while the tensor lives. Throws Error(argument) for any other tensor.
template <class T>
[[nodiscard]] std::span<const T> span_of(const Tensor& tensor) {
  MGCA_CHECK(tensor.device().is_cpu() && tensor.is_contiguous() && tensor.scalar_type() == torch::CppTypeToScalarType<T>::value,
             "span_of: expected a contiguous CPU tensor of the element type asked for, got ", tensor.toString(),
             "; call .cpu().contiguous() and convert it first");
  return {tensor.const_data_ptr<T>(), static_cast<std::size_t>(tensor.numel())};
}

// The values of a 2-d float tensor as a plane of one channel, valid while the tensor lives.
[[nodiscard]] inline Plane<const float> plane_of(const Tensor& matrix) {
  MGCA_CHECK(matrix.dim() == 2, "plane_of: expected a matrix, got ", matrix.sizes());
  return {.pixels = span_of<float>(matrix), .height = matrix.size(0), .width = matrix.size(1)};
}

// A copy in page-locked memory, which a GPU reads while it computes. Throws Error(argument) where there is no GPU.
[[nodiscard]] inline Tensor page_locked(const Tensor& tensor) {
  MGCA_CHECK(at::globalContext().hasCUDA(), "page_locked: needs CUDA, which this build or machine has not; leave LoaderOptions::pinned off");
  return tensor.pin_memory();
}
// Each tensor becomes such a copy: what `pin()` of a batch does to all its parts.
template <std::same_as<Tensor>... Tensors>
void page_lock(Tensors&... tensors) {
  ((tensors = page_locked(tensors)), ...);
}

}  // namespace mgca

// Pictures between tensors and planes, for the kinds of case that are about pixels.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/tensor/bridge.hpp>

#include <cstring>

namespace mgca::golden {

// A (height, width) tensor of T as a picture. Throws Error(data) for another shape or element size.
template <class T>
[[nodiscard]] Image<T> picture_of(const Tensor& tensor) {
  const auto values = tensor.contiguous();
  if (values.dim() != 2 || values.element_size() != sizeof(T))
    fail(ErrorKind::data, "a picture is a matrix of ", sizeof(T), " bytes an element, got ", values.toString());
  Image<T> out({.height = values.size(0), .width = values.size(1)});
  std::memcpy(out.pixels().data(), values.const_data_ptr(), out.pixels().size_bytes());
  return out;
}

// The pixels of one channel as (height, width).
template <class T>
[[nodiscard]] Tensor matrix_of(const Image<T>& picture) {
  return tensor_of(picture.plane()).squeeze(0);
}

}  // namespace mgca::golden

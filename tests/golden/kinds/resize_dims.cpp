// Sizes and padding of pictures fitted to a square. The pictures' own sizes are the first two columns of the expected rows; the
// case has no other input, and no other column is read.
#include "../case.hpp"

#include <mgca/core/error.hpp>
#include <mgca/image/geometry.hpp>
#include <mgca/image/resize.hpp>
#include <mgca/tensor/weights_file.hpp>

namespace mgca::golden {

namespace {

Tensor sizes_of(const Case& one) {
  if (one.batch.contains("rows")) return one.batch.at("rows").slice(1, 0, 2);
  for (const auto& [name, value] : read_weights(one.folder / "expected.safetensors").tensors) {
    if (name == "rows") return value.slice(1, 0, 2).clone();
  }
  fail(ErrorKind::data, one.folder.string(), ": no tensor 'rows' with the sizes of pictures");
}

Answer resize_dims(const Case& one) {
  const int64_t side = one.config.at("scale");
  const auto sizes = sizes_of(one).to(torch::kLong);
  auto rows = torch::empty({sizes.size(0), 8}, torch::kLong);
  for (int64_t i = 0; i < sizes.size(0); ++i) {
    const ImageSize size{.height = sizes[i][0].item<int64_t>(), .width = sizes[i][1].item<int64_t>()};
    const auto fitted = image::fitted_size(size, side);
    const auto zeros = image::square_padding(fitted, side);
    rows[i].copy_(torch::tensor({size.height, size.width, fitted.height, fitted.width, zeros.top, zeros.bottom, zeros.left, zeros.right},
                                torch::kLong));
  }
  return {.tensors = {{"rows", rows}}, .document = {}};
}

const Kind resize_dims_kind("resize_dims", resize_dims);

}  // namespace

}  // namespace mgca::golden

// DICOM files: stored pixel values and the 8-bit picture. The files are those that the configuration names.
#include "../case.hpp"

#include <mgca/io/dicom.hpp>

#include <algorithm>
#include <array>

namespace mgca::golden {

namespace {

Answer dicom(const Case& one) {
  Answer answer;
  for (const auto& [file, ignored] : one.config.at("files").items()) {
    const auto image = io::read_dicom(one.folder / file);
    const std::array<int64_t, 2> shape{image.stored.height(), image.stored.width()};
    auto stored = torch::empty(shape, torch::kInt);
    std::copy(image.stored.pixels().begin(), image.stored.pixels().end(), stored.data_ptr<int>());
    answer.tensors["pixels." + file] = stored;
    const auto grey = io::dicom_to_grey(image);
    auto shown = torch::empty(shape, torch::kByte);
    std::copy(grey.pixels().begin(), grey.pixels().end(), shown.data_ptr<uint8_t>());
    answer.tensors["image." + file] = shown;
  }
  return answer;
}

const Kind dicom_kind("dicom", dicom);

}  // namespace

}  // namespace mgca::golden

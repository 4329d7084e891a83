#include "golden.hpp"

namespace mgca::test {

Golden::Golden(const std::string& name) : case_(golden::read_case(golden_dir() / name)), reference_(golden::read_expected(golden_dir() / name)) {}

void Golden::check(const std::string& name, const Tensor& actual) const {
  const auto verdict = golden::compare_one(name, actual, reference_, actual.scalar_type());
  INFO(case_.folder.filename().string() << ": " << name << ": " << verdict.problem);
  CHECK(verdict.ok());
}

Tensor network_input(const Tensor& images_u8) {
  auto images = (images_u8.to(torch::kFloat32) / 255 - 0.5) / 0.5;
  return images.size(1) == 1 ? images.repeat({1, 3, 1, 1}) : images;
}

}  // namespace mgca::test

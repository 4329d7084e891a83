#include "golden.hpp"

#include <mgca/tensor/weights_file.hpp>

#include <cmath>
#include <fstream>

namespace mgca::test {

namespace {

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  REQUIRE(file.good());
  return nlohmann::json::parse(file);
}

std::map<std::string, Tensor> read_tensors(const std::filesystem::path& path) {
  std::map<std::string, Tensor> tensors;
  for (auto& [key, value] : read_weights(path).tensors) tensors.emplace(key, value);
  return tensors;
}

uint64_t mix(uint64_t x) {
  uint64_t z = x + 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

}  // namespace

Golden::Golden(const std::string& name)
    : name_(name), config(read_json(golden_dir() / name / "config.json")), expected(read_tensors(golden_dir() / name / "expected.safetensors")),
      tolerances_(read_json(golden_dir() / name / "tolerances.json")) {
  if (std::filesystem::exists(golden_dir() / name / "batch.safetensors")) batch = read_tensors(golden_dir() / name / "batch.safetensors");
}

void Golden::check(const std::string& name, const Tensor& actual) const {
  INFO(name_ << ": " << name);
  REQUIRE(has(name));
  const bool sampled = expected.count(name + "@val") > 0;
  const auto want = (sampled ? expected.at(name + "@val") : expected.at(name)).to(torch::kFloat64).flatten();
  auto got = actual.detach().to(torch::kCPU, torch::kFloat64).contiguous().flatten();
  if (sampled) got = got.index_select(0, expected.at(name + "@idx").to(torch::kLong));
  REQUIRE(got.numel() == want.numel());
  if (want.numel() == 0) return;
  const auto tolerance = tolerances_.value(name, nlohmann::json::object());
  const bool precise = actual.scalar_type() == torch::kFloat64;
  if (!precise && tolerance.value("ill_conditioned", false)) {
    const double error = ((got - want).norm() / want.norm().clamp_min(1e-30)).item<double>();
    INFO("relative L2 error " << error);
    CHECK(error <= 4 * tolerance.value("f32_rel_l2_err", 0.0) + 1e-6);
    return;
  }
  const double largest = tolerance.value("absmax", want.abs().max().item<double>());
  const double atol = precise ? 1e-7 * largest + 1e-12 : tolerance.value("atol", 1e-6 * largest);
  const double rtol = precise ? 1e-6 : tolerance.value("rtol", 1e-5);
  const double worst = ((got - want).abs() - (atol + rtol * want.abs())).nan_to_num(1e30).max().item<double>();
  INFO("worst excess over tolerance " << worst << ", atol " << atol);
  CHECK(worst <= 0);
}

Tensor formula_weight(const std::string& name, at::IntArrayRef shape, uint64_t seed) {
  const auto last = name.substr(name.rfind('.') == std::string::npos ? 0 : name.rfind('.') + 1);
  auto tensor = torch::empty(shape, torch::kFloat32);
  if (last == "num_batches_tracked") return torch::zeros(shape, torch::kLong);
  if (last == "position_ids") return torch::arange(tensor.numel(), torch::kLong).view(shape);
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const unsigned char c : name) hash = (hash ^ c) * 0x100000001B3ULL;
  const uint64_t key = mix(hash + seed);
  float scale = 0, offset = 0;
  if (last == "running_var") offset = 1, scale = 0.25F;
  else if (last == "running_mean") scale = 0.125F;
  else if (last == "cls_token" || last == "pos_embed" || name.ends_with("word_embeddings.weight") ||
           name.ends_with("position_embeddings.weight") || name.ends_with("token_type_embeddings.weight")) scale = 0.125F;
  else if (last == "bias" || last == "in_proj_bias") scale = 0.0625F;
  else if (shape.size() == 1) offset = 1, scale = 0.125F;
  else scale = static_cast<float>(std::sqrt(3.0 / (static_cast<double>(tensor.numel()) / static_cast<double>(shape[0]))));
  float* out = tensor.data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    const auto bits = static_cast<double>(mix(key + static_cast<uint64_t>(i)) >> 40);
    const auto u = static_cast<float>(bits / 8388608.0 - 1.0);
    const float scaled = scale * u;
    out[i] = offset == 0 ? scaled : offset + scaled;
  }
  return tensor;
}

void fill_by_formula(torch::nn::Module& module, const std::string& prefix, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, value] : state_dict(module, prefix)) value.copy_(formula_weight(name, value.sizes(), seed));
}

Tensor network_input(const Tensor& images_u8) {
  auto images = (images_u8.to(torch::kFloat32) / 255 - 0.5) / 0.5;
  return images.size(1) == 1 ? images.repeat({1, 3, 1, 1}) : images;
}

}  // namespace mgca::test

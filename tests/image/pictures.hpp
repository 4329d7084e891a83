// Pictures for tests: of golden cases, and made of noise.
#pragma once

#include "catch.hpp"
#include "paths.hpp"

#include <mgca/core/box.hpp>
#include <mgca/core/plane.hpp>
#include <mgca/core/random.hpp>
#include <mgca/io/safetensors.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

namespace mgca::test {

class GoldenPictures {
 public:
  explicit GoldenPictures(const std::string& name)
      : folder_(golden_dir() / name),
        batch_(io::Safetensors::read(folder_ / "batch.safetensors")),
        expected_(io::Safetensors::read(folder_ / "expected.safetensors")) {
    std::ifstream file(folder_ / "config.json");
    config_ = nlohmann::json::parse(file);
  }
  [[nodiscard]] const nlohmann::json& config(const std::string& key) const { return config_.at(key); }
  [[nodiscard]] bool expects(const std::string& name) const { return expected_.find(name) != nullptr; }
  template <class T>
  [[nodiscard]] Image<T> input(const std::string& name) const {
    return picture<T>(batch_.at(name));
  }
  template <class T>
  [[nodiscard]] Image<T> output(const std::string& name) const {
    return picture<T>(expected_.at(name));
  }
  template <class T>
  [[nodiscard]] std::vector<T> numbers(const std::string& name) const {
    const auto& record = expected_.at(name);
    std::vector<T> values(record.bytes.size() / sizeof(T));
    std::memcpy(values.data(), record.bytes.data(), record.bytes.size());
    return values;
  }

 private:
  template <class T>
  static Image<T> picture(const io::TensorRecord& record) {
    Image<T> image({.height = record.shape[0], .width = record.shape[1]});
    REQUIRE(record.bytes.size() == image.pixels().size_bytes());
    std::memcpy(image.pixels().data(), record.bytes.data(), record.bytes.size());
    return image;
  }

  std::filesystem::path folder_;
  io::Safetensors batch_, expected_;
  nlohmann::json config_;
};

template <class T>
[[nodiscard]] std::int64_t different(const Image<T>& a, const Image<T>& b) {
  REQUIRE(a.size() == b.size());
  std::int64_t count = 0;
  for (std::size_t i = 0; i < a.pixels().size(); ++i) count += a.pixels()[i] != b.pixels()[i];
  return count;
}

[[nodiscard]] inline GreyImage noise(const ImageSize& size, std::uint64_t seed) {
  GreyImage image(size);
  RandomStream random({.seed = seed}, Use::test);
  for (auto& pixel : image.pixels()) pixel = static_cast<std::uint8_t>(random());
  return image;
}

// The box around all pixels that are not zero.
template <class T>
[[nodiscard]] Box extent(const Image<T>& mask) {
  Box box{.x1 = 1e9, .y1 = 1e9, .x2 = 0, .y2 = 0};
  for (std::int64_t y = 0; y < mask.height(); ++y) {
    for (std::int64_t x = 0; x < mask.width(); ++x) {
      if (mask.at(y, x) == T{}) continue;
      const auto left = static_cast<double>(x), top = static_cast<double>(y);
      box = {std::min(box.x1, left), std::min(box.y1, top), std::max(box.x2, left + 1), std::max(box.y2, top + 1)};
    }
  }
  return box;
}

}  // namespace mgca::test

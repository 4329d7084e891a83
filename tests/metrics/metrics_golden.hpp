// The golden case `classification_metrics`: ten sets of scores and labels with degenerate classes among them.
#pragma once

#include "catch.hpp"
#include "paths.hpp"

#include <mgca/io/safetensors.hpp>
#include <mgca/metrics/score_table.hpp>

#include <cstring>
#include <map>
#include <string>

namespace mgca::test {

class MetricsGolden {
 public:
  MetricsGolden()
      : batch_(io::Safetensors::read(golden_dir() / "classification_metrics" / "batch.safetensors")),
        expected_(io::Safetensors::read(golden_dir() / "classification_metrics" / "expected.safetensors")) {
    for (int c = 0; c < 10; ++c) {
      scores_[c] = values<float>(batch_, "scores." + std::to_string(c));
      for (const auto label : values<std::int64_t>(batch_, "labels." + std::to_string(c))) {
        labels_[c].push_back(static_cast<std::uint8_t>(label));
      }
    }
  }

  [[nodiscard]] ScoreTable table(int c) const {
    return {.scores = scores_.at(c),
            .labels = labels_.at(c),
            .classes = batch_.at("scores." + std::to_string(c)).shape.at(1)};
  }
  [[nodiscard]] std::vector<float> logits(int c) const {
    return values<float>(batch_, "multiclass.logits." + std::to_string(c));
  }
  [[nodiscard]] std::vector<std::int64_t> targets(int c) const {
    return values<std::int64_t>(batch_, "multiclass.target." + std::to_string(c));
  }

  // NaN in the reference means undefined.
  void check(const std::string& name, int c, const std::vector<std::optional<double>>& actual) const {
    const auto wanted = values<double>(expected_, name + "." + std::to_string(c));
    REQUIRE(actual.size() == wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      INFO(name << ", class " << i);
      REQUIRE(actual[i].has_value() == !std::isnan(wanted[i]));
      if (actual[i]) CHECK(std::abs(*actual[i] - wanted[i]) <= 1e-12 + 1e-9 * std::abs(wanted[i]));
    }
  }

 private:
  template <class T>
  static std::vector<T> values(const io::Safetensors& file, const std::string& name) {
    const auto& tensor = file.at(name);
    REQUIRE(io::size_of(tensor.dtype) == sizeof(T));
    std::vector<T> result(tensor.bytes.size() / sizeof(T));
    std::memcpy(result.data(), tensor.bytes.data(), tensor.bytes.size());
    return result;
  }

  io::Safetensors batch_, expected_;
  std::map<int, std::vector<float>> scores_;
  std::map<int, std::vector<std::uint8_t>> labels_;
};

}  // namespace mgca::test

// Golden cases: inputs, weights by formula, expected values and tolerances. See tests/golden/README.md.
// What costs compile time is compiled once, in golden.cpp.
#pragma once

#include "catch.hpp"
#include "paths.hpp"

#include <mgca/tensor/state_dict.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace mgca::test {

class Golden {
 public:
  explicit Golden(const std::string& name);

  // Double precision: |actual - expected| <= 1e-6 |expected| + 1e-7 of the largest value, the rounding of what is stored.
  // Single precision: the case's own tolerances; tensors it marks ill-conditioned by relative L2 error. A sampled
  // expectation compares the sampled positions.
  void check(const std::string& name, const Tensor& actual) const;
  // Whether the case holds the tensor, whole or sampled.
  [[nodiscard]] bool has(const std::string& name) const { return expected.count(name) + expected.count(name + "@val") > 0; }

 private:
  std::string name_;

 public:
  nlohmann::json config;
  std::map<std::string, Tensor> batch;
  std::map<std::string, Tensor> expected;

 private:
  nlohmann::json tolerances_;
};

// The weights of the golden cases: a formula of state-dict name, shape and seed (`wf1`).
Tensor formula_weight(const std::string& name, at::IntArrayRef shape, uint64_t seed);

// Fills a module's parameters and buffers by the formula; `prefix` is what the published checkpoint puts before them.
void fill_by_formula(torch::nn::Module& module, const std::string& prefix, uint64_t seed);

// The network input of an 8-bit image batch: (u8 / 255 - 0.5) / 0.5, one channel repeated to three.
Tensor network_input(const Tensor& images_u8);

}  // namespace mgca::test

// Golden cases for tests of single parts: a case with its expected values, compared by the rules of tests/golden.
// What costs compile time is compiled once, in golden.cpp.
#pragma once

#include "../golden/case.hpp"
#include "catch.hpp"
#include "paths.hpp"

#include <cstdint>
#include <string>

namespace mgca::test {

class Golden {
 public:
  explicit Golden(const std::string& name);

  // In the precision of the actual tensor; see golden::compare.
  void check(const std::string& name, const Tensor& actual) const;
  // Whether the case holds the tensor, whole or sampled.
  [[nodiscard]] bool has(const std::string& name) const { return expected.contains(name) || expected.contains(name + "@val"); }

 private:
  golden::Case case_;
  golden::Expected reference_;

 public:
  const nlohmann::json& config = case_.config;
  const golden::Tensors& batch = case_.batch;
  const golden::Tensors& expected = reference_.tensors;
};

using golden::fill_by_formula;

// The weights of the golden cases: a formula of state-dict name, shape and seed (`wf1`).
inline Tensor formula_weight(const std::string& name, at::IntArrayRef shape, uint64_t seed) { return golden::Formula(name, shape, seed).values(); }

// The network input of an 8-bit image batch: (u8 / 255 - 0.5) / 0.5, one channel repeated to three.
Tensor network_input(const Tensor& images_u8);

}  // namespace mgca::test

// A golden case: a folder with configuration, inputs, weights by formula or file, and what the reference gave.
// Each kind of case is answered by one function in one file, kinds/KIND.cpp, through the public library. The program
// mgca-golden and the tests share these functions. Layout and tensor names: README.md.
#pragma once

#include <mgca/tensor/state_dict.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mgca::golden {

using Tensors = std::map<std::string, Tensor>;

// The file with a kind's expected values in JSON; empty where they are tensors alone.
[[nodiscard]] std::string document_name(const std::string& kind);

struct Case {
  std::filesystem::path folder;
  nlohmann::json config;
  Tensors batch;
  Tensors asked;  // the names of expected.safetensors, sampled ones with the positions asked for, others undefined; empty: no such file
  torch::ScalarType dtype = torch::kFloat64;

  [[nodiscard]] std::string kind() const { return config.at("kind"); }
  // Whether an answer needs the tensor; without expected.safetensors everything is asked for.
  [[nodiscard]] bool asks(const std::string& name) const { return asked.empty() || asked.contains(name); }
  [[nodiscard]] bool asks_any(std::string_view prefix) const;
  // Throws Error(data) naming the folder.
  [[nodiscard]] const Tensor& input(const std::string& name) const;
  [[nodiscard]] nlohmann::json document() const { return read_json(folder / document_name(kind())); }  // where a kind answers in JSON

  static nlohmann::json read_json(const std::filesystem::path& path);
};

// Throws Error(system) for a missing and Error(data) for a damaged file.
[[nodiscard]] Case read_case(const std::filesystem::path& folder, torch::ScalarType dtype = torch::kFloat64);

struct Answer {
  Tensors tensors;
  nlohmann::json document;  // null unless the kind answers in JSON
};

using Solve = Answer (*)(const Case&);

// Announces the function of a kind: one object in its file.
struct Kind {
  Kind(const std::string& name, Solve solve, const std::string& document = "");
};

// Throws Error(config) listing the known kinds.
[[nodiscard]] Answer solve(const Case& one);
[[nodiscard]] bool is_known(const std::string& kind);

// As the files hold them: scalars as one number, sampled where samples are asked for.
[[nodiscard]] Tensors as_stored(const Case& one, const Tensors& answer);

// ---- weights ----

// The formula `wf1` for one tensor: what its values are made of, and the values.
struct Formula {
  Formula(const std::string& name, at::IntArrayRef shape, uint64_t seed);

  [[nodiscard]] Tensor values() const;

  std::vector<int64_t> shape;
  uint64_t hash;   // of the name
  uint64_t key;    // hash and seed, mixed
  float scale = 0;
  bool one_plus = false;
  enum class Type { real, zeros, count } type = Type::real;
};
[[nodiscard]] uint64_t hash_of(std::string_view name);
[[nodiscard]] uint64_t mixed(uint64_t x);

// Fills a module's parameters and buffers by the formula; `prefix` is what the published checkpoint puts before them.
void fill_by_formula(torch::nn::Module& module, const std::string& prefix, uint64_t seed);
// The same from the case: its weights.safetensors or the formula with its seed; then floating-point values in its precision.
void load_weights(torch::nn::Module& module, const std::string& prefix, const Case& one);
// Floating-point parameters and buffers in another precision; Module::to would convert integer buffers as well.
void to_precision(torch::nn::Module& module, torch::ScalarType dtype);

// ---- comparison ----

struct Expected {
  Tensors tensors;
  nlohmann::json tolerances;
  double step = 0;  // learning rate of the step that `resume.delta.*` is
};
[[nodiscard]] Expected read_expected(const std::filesystem::path& folder);

// The name of the mask in which an answer says which entries of a tensor are made of rounding noise.
[[nodiscard]] inline std::string noise_name(const std::string& name) { return "noise." + name; }

struct Verdict {
  std::string name;
  double largest = 0;   // of the reference
  double error = 0;     // largest difference
  double relative = 0;  // length of the difference over the length of the reference, of samples over their part of the whole's
  double share = 0;     // of what is allowed, at the worst place; above 1: wrong
  bool ill_posed = false;  // single precision cannot give it: ill-conditioned, or zero but for rounding
  std::string problem;  // empty: within the tolerance

  [[nodiscard]] bool ok() const { return problem.empty(); }
};

// Gradients, and what optimisers make of them.
[[nodiscard]] bool is_gradient(const std::string& name);

// Every tensor of the expectation, whole or sampled, against the answer.
// Double precision: 1e-6 of each value plus 1e-7 of the largest. What is zero but for rounding (the reference's own single precision
// is off by more than its size) has the case's own bound. AdamW makes steps of up to one learning rate of noise: where a case
// says so, the entries whose gradient the answer calls noise may differ by that.
// Single precision: the length of the difference over the length of the tensor, 1e-4, of gradients 1e-3, or four times the
// reference's own where that is more. What is zero but for rounding is compared in double precision only.
// `answer`: whole tensors, or as as_stored() makes them.
[[nodiscard]] std::vector<Verdict> compare(const Tensors& answer, const Expected& expected, torch::ScalarType precision);
[[nodiscard]] Verdict compare_one(const std::string& name, const Tensor& actual, const Expected& expected, torch::ScalarType precision,
                                  const Tensor& noise = {});

}  // namespace mgca::golden

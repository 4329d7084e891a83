// mgca-golden CASE_DIR --out ACTUAL.safetensors [--threads N] [--dtype f32|f64]
//   Answers a golden case through the public library; a case with expected values in JSON also gets ACTUAL.json.
// mgca-golden --compare ACTUAL.safetensors CASE_DIR [--dtype f32|f64] [--all]
//   Compares such an answer with the case, tensor by tensor: those out of tolerance, or all.
#include "case.hpp"

#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>
#include <mgca/tensor/weights_file.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace mgca;

constexpr const char* kUsage =
    "usage: mgca-golden CASE_DIR --out ACTUAL.safetensors [--threads N] [--dtype f32|f64]\n"
    "       mgca-golden --compare ACTUAL.safetensors CASE_DIR [--dtype f32|f64] [--all]\n";

struct Options {
  std::vector<std::string> places;
  std::filesystem::path out;
  int threads = 0;  // 0: as libtorch decides
  torch::ScalarType dtype = torch::kFloat64;
  bool compare = false, all = false;
};

Options read_options(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    const auto value = [&] {
      MGCA_CHECK(i + 1 < arguments.size(), argument, " needs a value\n", kUsage);
      return arguments[++i];
    };
    if (argument == "--out") options.out = value();
    else if (argument == "--compare") options.compare = true;
    else if (argument == "--all") options.all = true;
    else if (argument == "--threads") {
      const auto text = value();
      options.threads = std::atoi(text.c_str());
      MGCA_CHECK(options.threads > 0, "--threads: expected a positive number, got '", text, "'");
    } else if (argument == "--dtype") {
      const auto name = value();
      MGCA_CHECK(name == "f32" || name == "f64", "--dtype: expected f32 or f64, got '", name, "'");
      options.dtype = name == "f32" ? torch::kFloat32 : torch::kFloat64;
    } else {
      MGCA_CHECK(!argument.starts_with("-"), "unknown option '", argument, "'\n", kUsage);
      options.places.push_back(argument);
    }
  }
  MGCA_CHECK(options.places.size() == (options.compare ? 2U : 1U) && options.compare == options.out.empty(), kUsage);
  MGCA_CHECK(options.compare || options.out.extension() == ".safetensors", "--out: expected a name that ends in .safetensors, got ",
             options.out.string());
  return options;
}

std::filesystem::path json_beside(std::filesystem::path path) { return path.replace_extension(".json"); }

void answer(const Options& options) {
  const auto one = golden::read_case(options.places[0], options.dtype);
  const auto found = golden::solve(one);
  Weights weights;
  for (const auto& [name, value] : golden::as_stored(one, found.tensors)) weights.tensors.push_back({name, value});
  write_weights(options.out, weights);
  if (!found.document.is_null()) atomic_write(posix_files(), json_beside(options.out), found.document.dump(1) + "\n");
}

// The worst of each group of tensors whose name begins alike, then what is wrong.
int compare(const Options& options) {
  const std::filesystem::path folder = options.places[1];
  int wrong = 0;
  if (std::filesystem::exists(folder / "expected.safetensors")) {
    golden::Tensors actual;
    for (const auto& [name, value] : read_weights(options.places[0]).tensors) actual.emplace(name, value);
    const auto verdicts = golden::compare(actual, golden::read_expected(folder), options.dtype);
    double share = 0, forward = 0, gradient = 0;
    for (const auto& verdict : verdicts) {
      if (options.all || !verdict.ok()) {
        std::printf("%-12s error %.3e of %.3e, relative %.3e, %.4f of what is allowed: %s\n", verdict.ok() ? "ok" : "WRONG", verdict.error,
                    verdict.largest, verdict.relative, verdict.share, verdict.name.c_str());
        if (!verdict.ok()) std::printf("             %s\n", verdict.problem.c_str());
      }
      wrong += !verdict.ok();
      share = std::max(share, verdict.share);
      auto& worst = golden::is_gradient(verdict.name) ? gradient : forward;
      if (!verdict.ill_posed) worst = std::max(worst, verdict.relative);
    }
    std::printf("%s: %zu tensors, %d wrong, worst %.3g of what is allowed; relative error forward %.2e, gradients and steps %.2e\n",
                folder.filename().string().c_str(), verdicts.size(), wrong, share, forward, gradient);
  }
  if (const auto document = json_beside(options.places[0]); std::filesystem::exists(document)) {
    const bool same = golden::Case::read_json(document) == golden::read_case(folder).document();
    std::printf("%s: document %s\n", folder.filename().string().c_str(), same ? "equal" : "DIFFERS");
    wrong += !same;
  }
  return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto options = read_options({argv + 1, argv + argc});
    if (options.threads > 0) at::set_num_threads(options.threads);
    if (options.compare) return compare(options);
    answer(options);
    return 0;
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "mgca-golden: %s\n", problem.what());
    return 2;
  }
}

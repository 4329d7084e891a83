#include "case.hpp"

#include <mgca/core/error.hpp>
#include <mgca/core/file.hpp>
#include <mgca/tensor/weights_file.hpp>

#include <cmath>
#include <limits>
#include <set>

namespace mgca::golden {

namespace {

struct Known {
  Solve solve;
  std::string document;
};

std::map<std::string, Known>& kinds() {
  static std::map<std::string, Known> all;
  return all;
}

Tensors read_tensors(const std::filesystem::path& path) {
  Tensors tensors;
  for (auto& [name, value] : read_weights(path).tensors) tensors.emplace(name, value);
  return tensors;
}

// "NAME@idx" -> "NAME"
std::string bare(const std::string& name) { return name.substr(0, name.find('@')); }

}  // namespace

nlohmann::json Case::read_json(const std::filesystem::path& path) {
  try {
    return nlohmann::json::parse(read_text_file(path));
  } catch (const nlohmann::json::exception& problem) {
    fail(ErrorKind::data, path.string(), ": ", problem.what());
  }
}

bool Case::asks_any(std::string_view prefix) const {
  if (asked.empty()) return true;
  const auto at = asked.lower_bound(std::string(prefix));
  return at != asked.end() && at->first.starts_with(prefix);
}

const Tensor& Case::input(const std::string& name) const {
  const auto at = batch.find(name);
  if (at == batch.end()) fail(ErrorKind::data, folder.string(), ": batch.safetensors has no tensor '", name, "'");
  return at->second;
}

Case read_case(const std::filesystem::path& folder, torch::ScalarType dtype) {
  Case one{.folder = folder, .config = Case::read_json(folder / "config.json"), .batch = {}, .asked = {}, .dtype = dtype};
  if (!one.config.is_object() || !one.config.contains("kind")) fail(ErrorKind::data, folder.string(), ": config.json has no 'kind'");
  if (std::filesystem::exists(folder / "batch.safetensors")) one.batch = read_tensors(folder / "batch.safetensors");
  if (!std::filesystem::exists(folder / "expected.safetensors")) return one;
  for (const auto& [name, value] : read_tensors(folder / "expected.safetensors")) {
    auto& positions = one.asked[bare(name)];
    if (name.ends_with("@idx")) positions = value.to(torch::kLong);
  }
  return one;
}

Kind::Kind(const std::string& name, Solve solve, const std::string& document) { kinds().emplace(name, Known{solve, document}); }

std::string document_name(const std::string& kind) {
  const auto found = kinds().find(kind);
  return found == kinds().end() ? "" : found->second.document;
}

bool is_known(const std::string& kind) { return kinds().contains(kind); }

Answer solve(const Case& one) {
  const auto found = kinds().find(one.kind());
  if (found != kinds().end()) return found->second.solve(one);
  std::string known;
  for (const auto& [name, rest] : kinds()) known += (known.empty() ? "" : ", ") + name;
  fail(ErrorKind::config, one.folder.string(), ": unknown kind '", one.kind(), "'; known are ", known);
}

Tensors as_stored(const Case& one, const Tensors& answer) {
  Tensors stored;
  for (const auto& [name, value] : answer) {
    const auto whole = value.detach().to(torch::kCPU).contiguous();
    const auto asked = one.asked.find(name);
    if (asked == one.asked.end() || !asked->second.defined()) {
      stored[name] = whole.dim() == 0 ? whole.view(1) : whole;
      continue;
    }
    const auto flat = whole.flatten();
    const auto precise = flat.to(torch::kFloat64);
    stored[name + "@idx"] = asked->second.to(torch::kInt);
    stored[name + "@val"] = flat.index_select(0, asked->second);
    stored[name + "@stat"] = torch::stack({torch::tensor(static_cast<double>(flat.numel()), torch::kFloat64), precise.sum(), precise.norm(),
                                           flat.numel() > 0 ? precise.abs().max() : torch::zeros({}, torch::kFloat64)});
    stored[name + "@shape"] = torch::tensor(whole.sizes(), torch::kLong);
  }
  return stored;
}

uint64_t hash_of(std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return hash;
}

uint64_t mixed(uint64_t x) {
  uint64_t z = x + 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

Formula::Formula(const std::string& name, at::IntArrayRef sizes, uint64_t seed)
    : shape(sizes.vec()), hash(hash_of(name)), key(mixed(hash + seed)) {
  const auto last = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
  if (last == "num_batches_tracked") {
    type = Type::zeros;
  } else if (last == "position_ids") {
    type = Type::count;
  } else if (last == "running_var") {
    one_plus = true;
    scale = 0.25F;
  } else if (last == "running_mean" || last == "cls_token" || last == "pos_embed" || name.ends_with("word_embeddings.weight") ||
             name.ends_with("position_embeddings.weight") || name.ends_with("token_type_embeddings.weight")) {
    scale = 0.125F;
  } else if (last == "bias" || last == "in_proj_bias") {
    scale = 0.0625F;
  } else if (shape.size() == 1) {
    one_plus = true;
    scale = 0.125F;
  } else {
    double fan_in = 1;
    for (std::size_t i = 1; i < shape.size(); ++i) fan_in *= static_cast<double>(shape[i]);
    scale = static_cast<float>(std::sqrt(3.0 / fan_in));
  }
}

Tensor Formula::values() const {
  if (type == Type::zeros) return torch::zeros(shape, torch::kLong);
  auto tensor = torch::empty(shape, torch::kFloat32);
  if (type == Type::count) return torch::arange(tensor.numel(), torch::kLong).view(shape);
  auto* out = tensor.data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    const auto u = static_cast<float>(static_cast<double>(mixed(key + static_cast<uint64_t>(i)) >> 40) / 8388608.0 - 1.0);
    const float scaled = scale * u;
    out[i] = one_plus ? 1.0F + scaled : scaled;
  }
  return tensor;
}

void fill_by_formula(torch::nn::Module& module, const std::string& prefix, uint64_t seed) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, value] : state_dict(module, prefix)) value.copy_(Formula(name, value.sizes(), seed).values());
}

void to_precision(torch::nn::Module& module, torch::ScalarType dtype) {
  for (auto& [name, value] : state_dict(module)) {
    if (value.is_floating_point()) value.set_data(value.to(dtype));
  }
}

void load_weights(torch::nn::Module& module, const std::string& prefix, const Case& one) {
  const auto path = one.folder / "weights.safetensors";
  if (std::filesystem::exists(path)) {
    StateDict dict;
    for (auto& [name, value] : read_weights(path).tensors) {
      if (name.starts_with(prefix)) dict.push_back({name.substr(prefix.size()), value});
    }
    load_state_dict(module, dict);
  } else {
    const auto& weights = one.config.at("weights");
    if (weights.at("formula") != "wf1") {
      fail(ErrorKind::data, one.folder.string(), ": unknown weight formula ", weights.at("formula").dump(),
           "; known is wf1, or put weights.safetensors beside it");
    }
    fill_by_formula(module, prefix, weights.at("seed"));
  }
  to_precision(module, one.dtype);
}

bool is_gradient(const std::string& name) {
  for (const std::string_view start : {"grad", "delta.", "exp_avg", "resume.delta."}) {
    if (name.starts_with(start)) return true;
  }
  return false;
}

Expected read_expected(const std::filesystem::path& folder) {
  return {.tensors = read_tensors(folder / "expected.safetensors"), .tolerances = Case::read_json(folder / "tolerances.json"),
          .step = Case::read_json(folder / "config.json").value("resume_lr", 0.0)};
}

namespace {

template <class... Pieces>
Verdict wrong(Verdict verdict, const Pieces&... pieces) {
  verdict.problem = detail::join(pieces...);
  verdict.share = std::numeric_limits<double>::infinity();
  return verdict;
}

// `actual`: the tensor, or its values at the sampled positions; `noise`: where it is made of rounding, or nothing.
Verdict compare_stored(const std::string& name, const Tensor& actual, const Expected& expected, torch::ScalarType precision,
                       const Tensor& noise) {
  Verdict verdict{.name = name};
  const auto sample = expected.tensors.find(name + "@val");
  const auto& want = sample != expected.tensors.end() ? sample->second : expected.tensors.at(name);
  auto got = actual.detach().to(torch::kCPU);
  if (got.dim() == 0) got = got.view(1);
  if (got.sizes() != want.sizes()) return wrong(verdict, "shape ", got.sizes(), ", expected ", want.sizes());
  if (want.numel() == 0) return verdict;
  const auto a = got.to(torch::kFloat64).flatten(), e = want.to(torch::kFloat64).flatten();
  if (!torch::equal(a.isnan(), e.isnan())) return wrong(verdict, "undefined values differ");
  const auto difference = torch::where(a == e, torch::zeros_like(a), (a - e).abs()).nan_to_num(0, std::numeric_limits<double>::infinity());
  const auto size = e.nan_to_num(0).abs();
  const auto tolerance = expected.tolerances.value(name, nlohmann::json::object());
  verdict.largest = tolerance.value("absmax", size.max().item<double>());
  verdict.error = difference.max().item<double>();
  double length = size.norm().item<double>();
  if (const auto stat = expected.tensors.find(name + "@stat");
      stat != expected.tensors.end()) {  // count, sum, length, largest of the whole
    length = stat->second[2].item<double>() * std::sqrt(static_cast<double>(want.numel()) / stat->second[0].item<double>());
  }
  verdict.relative = verdict.error == 0 ? 0 : difference.norm().item<double>() / std::max(length, 1e-300);
  if (got.is_floating_point() != want.is_floating_point()) return wrong(verdict, "type ", got.toString(), ", expected ", want.toString());
  if (!want.is_floating_point() || tolerance.value("exact", false))
    return verdict.error == 0 ? verdict : wrong(verdict, "must be equal, differs by ", verdict.error);
  const double own = tolerance.value("f32_rel_l2_err", 0.0);  // of the reference in single precision
  const bool nothing = own > 1;                                // zero but for rounding
  const bool given = tolerance.contains("atol") && !tolerance.contains("absmax");  // one bound for every precision, as of the schedule
  verdict.ill_posed = nothing || tolerance.value("ill_conditioned", false);
  if (precision == torch::kFloat64 || given) {
    const double rtol = nothing || given ? tolerance.value("rtol", 1e-5) : 1e-6;
    const double atol = nothing || given ? tolerance.value("atol", 0.0) : 1e-7 * verdict.largest;
    auto allowed = atol + rtol * size;
    if (tolerance.contains("note") && noise.defined())
      allowed = torch::where(noise.flatten() != 0, allowed.clamp_min(expected.step), allowed);
    verdict.share = torch::where(difference == 0, difference, difference / allowed).max().item<double>();
  } else if (!nothing) {
    verdict.share = verdict.relative / std::max(is_gradient(name) ? 1e-3 : 1e-4, 4 * own);
  }
  if (verdict.share <= 1) return verdict;
  verdict.problem =
      detail::join("off by ", verdict.error, " where the largest value is ", verdict.largest, ", ", verdict.share, " of what is allowed");
  return verdict;
}

}  // namespace

Verdict compare_one(const std::string& name, const Tensor& actual, const Expected& expected, torch::ScalarType precision,
                    const Tensor& noise) {
  const auto positions = expected.tensors.find(name + "@idx");
  if (positions == expected.tensors.end()) {
    if (!expected.tensors.contains(name)) return wrong({.name = name}, "the case holds no such tensor");
    return compare_stored(name, actual, expected, precision, noise);
  }
  const auto shape = torch::tensor(actual.sizes(), torch::kLong);
  if (!torch::equal(shape, expected.tensors.at(name + "@shape")))
    return wrong({.name = name}, "shape ", actual.sizes(), " is not the one expected");
  const auto sample = [&](const Tensor& whole) { return whole.detach().flatten().index_select(0, positions->second.to(torch::kLong)); };
  return compare_stored(name, sample(actual), expected, precision, noise.defined() ? sample(noise) : noise);
}

std::vector<Verdict> compare(const Tensors& answer, const Expected& expected, torch::ScalarType precision) {
  std::set<std::string> names;
  for (const auto& [name, value] : expected.tensors) names.insert(bare(name));
  std::vector<Verdict> verdicts;
  for (const auto& name : names) {
    const auto whole = answer.find(name), sample = answer.find(name + "@val"), mask = answer.find(noise_name(name));
    const auto noise = mask == answer.end() ? Tensor() : mask->second;
    if (whole != answer.end()) {
      verdicts.push_back(compare_one(name, whole->second, expected, precision, noise));
    } else if (sample == answer.end()) {
      verdicts.push_back(wrong({.name = name}, "missing in the answer"));
    } else if (!expected.tensors.contains(name + "@idx") || !answer.contains(name + "@idx") ||
               !torch::equal(answer.at(name + "@idx"), expected.tensors.at(name + "@idx"))) {
      verdicts.push_back(wrong({.name = name}, "sampled at other positions than the expectation"));
    } else {
      const auto at = answer.at(name + "@idx").to(torch::kLong);
      verdicts.push_back(
          compare_stored(name, sample->second, expected, precision, noise.defined() ? noise.flatten().index_select(0, at) : noise));
    }
  }
  return verdicts;
}

}  // namespace mgca::golden

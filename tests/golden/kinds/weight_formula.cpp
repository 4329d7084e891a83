// The formula itself: hashes, keys and values of named tensors.
#include "../case.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>

namespace mgca::golden {

namespace {

std::string hex(const char* format, unsigned long long value) {
  char text[17];
  std::snprintf(text, sizeof text, format, value);
  return text;
}
std::string hex64(uint64_t value) { return hex("%016llx", value); }

void fill_row(nlohmann::json& row) {
  const auto shape = row.at("shape").get<std::vector<int64_t>>();
  const Formula formula(row.at("name"), shape, row.at("seed"));
  const auto values = formula.values().flatten();
  row["fnv1a64"] = hex64(formula.hash);
  row["key"] = hex64(formula.key);
  if (formula.type != Formula::Type::real) return;
  row["kind"] = formula.one_plus ? "one_plus" : "scaled";
  row["scale"] = static_cast<double>(formula.scale);
  const auto* value = values.const_data_ptr<float>();
  const auto shown = std::min(values.numel(), row.contains("first") ? static_cast<int64_t>(row["first"].size()) : 5);
  row["first"] = row["first_bits"] = nlohmann::json::array();
  for (int64_t i = 0; i < shown; ++i) {
    row["first"].push_back(static_cast<double>(value[i]));
    row["first_bits"].push_back(hex("%08llx", std::bit_cast<uint32_t>(value[i])));
  }
  row["last"] = static_cast<double>(value[values.numel() - 1]);
  row["sum_f64"] = values.to(torch::kFloat64).sum().item<double>();
}

// "splitmix64(12)" and "fnv1a64('text')" as keys.
std::string function_value(const std::string& call) {
  const auto open = call.find('('), close = call.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return {};
  const auto argument = call.substr(open + 1, close - open - 1);
  if (call.starts_with("splitmix64")) return hex64(mixed(std::stoull(argument)));
  if (call.starts_with("fnv1a64") && argument.size() >= 2) return hex64(hash_of(argument.substr(1, argument.size() - 2)));
  return {};
}

Answer weight_formula(const Case& one) {
  Answer answer{.tensors = {}, .document = one.document()};
  for (auto& [key, value] : answer.document.items()) {
    if (const auto computed = function_value(key); !computed.empty()) value = computed;
  }
  for (auto& row : answer.document.at("rows")) fill_row(row);
  return answer;
}

const Kind weight_formula_kind("weight_formula", weight_formula, "values.json");

}  // namespace

}  // namespace mgca::golden

// Names, shapes and counts of the published models' state dicts; models that the library has not stay as they are in the document.
#include "../model.hpp"

namespace mgca::golden {

namespace {

Answer inventory(const Case& one) {
  Answer answer{.tensors = {}, .document = one.document()};
  for (auto& [name, tensors] : answer.document.at("tensors").items()) {
    if (!name.starts_with("mgca_")) continue;
    const auto model = published_model(name.substr(std::string("mgca_").size()));
    auto& counts = answer.document.at("counts").at(name);
    tensors = nlohmann::json::object();
    counts["int64"] = nlohmann::json::array();
    for (const auto& [key, value] : state_dict(*model)) {
      tensors[key] = value.sizes().vec();
      if (value.scalar_type() == torch::kLong) counts["int64"].push_back(key);
    }
    int64_t parameters = 0;
    for (const auto& parameter : model->parameters()) parameters += parameter.numel();
    counts["parameters"] = parameters;
  }
  return answer;
}

const Kind inventory_kind("inventory", inventory, "inventory.json");

}  // namespace

}  // namespace mgca::golden

// Names, shapes and counts of the published models' state dicts; models that the library has not stay as they are in the document.
#include "../model.hpp"

#include <mgca/encoders/resnet.hpp>
#include <mgca/encoders/vit.hpp>
#include <mgca/heads/detector.hpp>
#include <mgca/heads/setr.hpp>
#include <mgca/heads/unet.hpp>

namespace mgca::golden {

namespace {

// With the prefix its checkpoints put before the names; empty: a model that the library has not.
std::pair<std::shared_ptr<torch::nn::Module>, std::string> model_of(const std::string& name) {
  if (name.starts_with("mgca_")) return {published_model(name.substr(std::string("mgca_").size())), ""};
  if (name == "segmenter_unet_resnet50") return {Unet<ResNet>(Unet<ResNet>::Config{}).ptr(), "model."};
  if (name == "segmenter_setr_vit") return {Setr<Vit>(Setr<Vit>::Config{}).ptr(), "model."};
  if (name == "detector_resnet_50") return {Detector(DetectorConfig{}).ptr(), "model."};
  return {};
}

Answer inventory(const Case& one) {
  Answer answer{.tensors = {}, .document = one.document()};
  for (auto& [name, tensors] : answer.document.at("tensors").items()) {
    const auto [model, prefix] = model_of(name);
    if (!model) continue;
    auto& counts = answer.document.at("counts").at(name);
    tensors = nlohmann::json::object();
    counts["int64"] = nlohmann::json::array();
    for (const auto& [key, value] : state_dict(*model, prefix)) {
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

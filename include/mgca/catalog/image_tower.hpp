// An image tower by itself, for tasks on pictures alone: that of a run or of a weights file in any dialect, or one drawn at random.
#pragma once

#include <mgca/catalog/choice.hpp>
#include <mgca/catalog/presets.hpp>
#include <mgca/catalog/start_weights.hpp>
#include <mgca/core/config.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mgca {

using ImageTower = std::variant<ResNet, Vit, DenseNet>;
using ImageTowerConfig = std::variant<ResNetConfig, VitConfig, DenseNetConfig>;

namespace detail {

// The image tower's configuration of the model of one name, out of all that are added.
struct ImageTowerOf {
  std::string wanted;
  std::optional<ImageTowerConfig> found = std::nullopt;
  std::vector<std::string> known = {};

  template <class Model>
  void add(const std::string& name, const std::string& /*summary*/, const typename Model::Config& preset, const ModelFacts& /*facts*/ = {}) {
    known.push_back(name);
    if (name == wanted) found = preset.image;
  }
};

}  // namespace detail

// The image tower of a model of the standard catalogue: its preset, then those of the overrides that begin with "image.".
// Throws Error(config) with the nearest names.
[[nodiscard]] inline ImageTowerConfig image_tower_config(const ModelChoice& choice) {
  detail::ImageTowerOf list{.wanted = choice.name};
  presets::add_standard(list);
  if (!list.found) fail(ErrorKind::config, "image tower: no model '", choice.name, "'", nearest_hint(choice.name, list.known));
  std::vector<std::string> overrides;
  constexpr std::string_view image = "image.";
  for (const auto& text : choice.overrides) {
    if (text.starts_with(image)) overrides.push_back(text.substr(image.size()));
  }
  std::visit([&](auto& config) { apply_overrides(config, overrides); }, *list.found);
  return *std::move(list.found);
}

// Built with random weights; equal choices give equal ones.
[[nodiscard]] inline ImageTower random_image_tower(const ModelChoice& choice) {
  const auto config = image_tower_config(choice);
  torch::manual_seed(choice.seed);
  if (const auto* vit = std::get_if<VitConfig>(&config)) return Vit(*vit);
  if (const auto* densenet = std::get_if<DenseNetConfig>(&config)) return DenseNet(*densenet);
  return ResNet(std::get<ResNetConfig>(config));
}

struct ImageTowerOptions {
  std::vector<std::string> overrides = {};  // of the tower: "image_size=512", or "heads=3" where shapes do not tell
  std::string dialect;                      // empty: told by the names
  bool resample_positions = false;          // a ViT's position table for another grid is resampled
};

struct LoadedImageTower {
  ImageTower tower;
  StartReport report;                           // names of tensors as in a whole model
  std::optional<Preprocessing> preprocessing;   // of the pictures it was trained on, where the file tells
};

namespace detail {

inline std::filesystem::path weights_of_run(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return path;
  auto best = path / "best.safetensors";
  if (!std::filesystem::exists(best)) {
    fail(ErrorKind::system, best.string(), " is missing; expected a weights file or the folder of a run that has finished an epoch");
  }
  return best;
}

}  // namespace detail

// The tower of a weights file, or of the best weights of a run's folder; family and size are told by the file's metadata or its
// names and shapes. Every tensor of the tower must be there and fit. Throws Error(system) for an unreadable file, Error(data) for a
// damaged one, one without an image tower, or listing all that does not fit; Error(config) for an override that does not exist.
[[nodiscard]] inline LoadedImageTower read_image_tower(const std::filesystem::path& weights_or_run, const ImageTowerOptions& options = {}) {
  const auto file = io::WeightFile::open(detail::weights_of_run(weights_or_run));
  const auto source = file.path().string();
  const auto weights = our_weights(file, options.dialect);
  const std::string trunk = detail::kTrunkOfImage;
  StartReport report{.dialect = weights.dialect->name, .left_out = weights.translation.left_out};
  std::vector<OfferedTensor> offers;
  for (const auto& one : weights.translation.kept) {
    const auto& info = file.tensors()[one.index];
    if (!one.name.starts_with(trunk)) {
      report.left_out.push_back({info.name, "not of the image tower's trunk"});
      continue;
    }
    offers.push_back(offered(file, info));
    offers.back().name = one.name.substr(trunk.size());
    report.loaded.push_back(one.name);
  }
  if (offers.empty()) {
    fail(ErrorKind::data, source, ": holds no image tower (dialect ", weights.dialect->name, ": ", weights.dialect->summary, ")");
  }
  auto choice = model_of(file, weights);
  for (const auto& text : options.overrides) choice.overrides.push_back("image." + text);
  LoadedImageTower out{.tower = random_image_tower(choice), .report = std::move(report), .preprocessing = preprocessing_of(file.metadata(), source)};
  std::visit([&](auto& tower) {
    const auto state = state_dict(*tower);
    if (options.resample_positions) {
      for (auto& offer : offers) {
        if (offer.name != "pos_embed") continue;
        const auto own = std::find_if(state.begin(), state.end(), [](const auto& item) { return item.name == "pos_embed"; });
        if (own == state.end()) continue;
        const auto rows = own->value.size(1);
        if (offer.shape.size() != 3 || offer.shape[1] == rows) continue;
        offer.read = [read = offer.read, rows] { return ops::resample_positions(read(), rows - 1); };
        offer.shape[1] = rows;
        out.report.resampled = true;
      }
    }
    auto difference = compare(state, offers);
    std::erase_if(difference.missing, detail::is_derived);
    if (!difference.complete()) {
      fail(ErrorKind::data, source, ": the image tower (dialect ", weights.dialect->name, ") does not fit the model ", choice.name,
           " with its size; set image_size, or resample_positions for another one than in training", difference.text());
    }
    (void)load_state_dict(*tower, offers, Completeness::optional);  // what is missing follows from the tower itself
  }, out.tower);
  return out;
}

}  // namespace mgca

// From a named protocol and the command line to the recipe of a result, and what is not as the protocol says.
#pragma once

#include "downstream.hpp"

#include <mgca/catalog/protocols.hpp>
#include <mgca/data/prepared_folder.hpp>

namespace recipe {

// How the data were made, as far as a manifest beside the table tells.
[[nodiscard]] inline mgca::DataRecipe data_of(const std::string& named, const std::filesystem::path& table) {
  const auto path = table.parent_path() / "manifest.json";
  if (table.filename() != "studies.csv" || !std::filesystem::exists(path)) return {.set = named, .prepared = false};
  const auto manifest = mgca::from_json_text<mgca::PreparedManifest>(mgca::read_text_file(path), path.string());
  return {.set = manifest.data_set, .prepared = true, .prepare = manifest.options, .choices = manifest.choices};
}

// The data set whose protocol is wanted. Throws Error(argument) where nothing tells it.
[[nodiscard]] inline std::string data_set_of(const std::string& named, const mgca::DataRecipe& data, const std::string& command) {
  const auto& set = named.empty() ? data.set : named;
  if (set.empty()) mgca::fail(mgca::ErrorKind::argument, command, ": a protocol is one for a data set, and these data do not tell theirs; pass --dataset NAME");
  return set;
}

// Writes into the recipe how the data were made, where they tell it, and what follows from the rest.
template <class Recipe>
void settle(Recipe& recipe, const std::optional<mgca::NamedProtocol<Recipe>>& named, const mgca::DataRecipe& data) {
  if (data.prepared || !named) recipe.data = data;
  else recipe.data = named->recipe.data, recipe.data.set = data.set, recipe.data.prepared = false;
  recipe.settle();
}

// The protocol's name, and what of the recipe is not as it says.
template <class Recipe>
[[nodiscard]] downstream::NamedRecord record_of(const mgca::NamedProtocol<Recipe>& named, const Recipe& recipe) {
  const auto& from = named.origin;
  downstream::NamedRecord out{.name = from.name, .source = std::string(to_string(from.source)), .metric = from.metric, .note = from.note, .changed = {}};
  for (auto& d : mgca::differences(named.recipe, recipe)) out.changed.push_back({d.path, std::move(d.left), std::move(d.right)});
  return out;
}

template <class Recipe>
class Chosen {
 public:
  // The recipe to begin with: the named protocol's, or the library's own for this tower. Throws Error(argument) where a protocol is asked
  // for and nothing tells the data set, Error(config) for one that does not exist.
  Chosen(const downstream::Options& o, const std::string& command, const std::filesystem::path& table, const downstream::Tower& tower)
      : data_(data_of(o.dataset, table)), tower_(tower.tower), set_(o.set) {
    if (!o.protocol.empty()) {
      named_ = mgca::find_protocol<Recipe>({.name = o.protocol, .data_set = data_set_of(o.dataset, data_, command), .percent = o.percent,
                                            .tower = std::holds_alternative<mgca::Vit>(tower_) ? mgca::TowerFamily::vit : mgca::TowerFamily::resnet});
      recipe = named_->recipe;
    }
    recipe.percent = o.percent;
    recipe.split = o.split;
    recipe.resamples = o.resamples;
    if (o.seed) recipe.training.seed = *o.seed;
    recipe.pictures.local_contrast = tower.pictures.local_contrast;
  }

  [[nodiscard]] bool named() const { return named_.has_value(); }

  // After the command's own options: --set, and what follows from the rest.
  void finish() {
    mgca::apply_overrides(recipe, set_);
    settle(recipe, named_, data_);
  }
  [[nodiscard]] downstream::NamedRecord record() const {
    if (!named_) return {};
    const auto& from = named_->origin;
    auto out = record_of(*named_, recipe);
    for (auto& one : downstream::tower_changes(tower_, from.models, from.task != mgca::ProtocolTask::classify)) out.changed.push_back(std::move(one));
    return out;
  }

  Recipe recipe;

 private:
  mgca::DataRecipe data_;
  mgca::ImageTower tower_;
  std::vector<std::string> set_;
  std::optional<mgca::NamedProtocol<Recipe>> named_;
};

}  // namespace recipe

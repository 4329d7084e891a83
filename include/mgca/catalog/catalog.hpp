// Names to models: one explicit value, no registry behind anybody's back. Copy it, add to it, pass it on.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/catalog/choice.hpp>
#include <mgca/catalog/presets.hpp>
#include <mgca/core/config.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

class Catalog {
 public:
  struct Entry {
    std::string name;
    std::string summary;
    AlignmentNeeds needs;  // what the model asks of its batches, before it is built
    ModelFacts facts;
    std::vector<std::string> small;  // overrides that keep every kind of layer and little of each
    std::function<std::shared_ptr<AlignmentModel>(const std::vector<std::string>& overrides)> build;
    std::function<std::string(const std::vector<std::string>& overrides)> config_text;            // JSON
    std::function<std::vector<OptionRow>(const std::vector<std::string>& overrides)> options;
  };

  // The models of the library.
  [[nodiscard]] static Catalog standard() {
    Catalog catalog;
    presets::add_standard(catalog);
    return catalog;
  }

  // A model whose module has a `kNeeds` asks for that, others for what AlignmentModel says by default. Throws Error(argument) for a
  // name that is taken.
  template <class Model>
  void add(const std::string& name, const std::string& summary, const typename Model::Config& preset, ModelFacts facts = {}) {
    for (const auto& entry : entries_) MGCA_CHECK(entry.name != name, "catalog: '", name, "' is there already");
    const auto changed = [preset](const std::vector<std::string>& overrides) {
      auto config = preset;
      apply_overrides(config, overrides);
      return config;
    };
    AlignmentNeeds needs;
    if constexpr (requires { Model::ContainedType::kNeeds; }) needs = Model::ContainedType::kNeeds;
    entries_.push_back({name, summary, needs, std::move(facts), presets::small_model(preset),
                        [changed](const auto& overrides) -> std::shared_ptr<AlignmentModel> { return Model(changed(overrides)).ptr(); },
                        [changed](const auto& overrides) { return to_json_text(changed(overrides)); },
                        [changed](const auto& overrides) { return option_table(changed(overrides)); }});
  }

  [[nodiscard]] const std::vector<Entry>& entries() const& { return entries_; }
  [[nodiscard]] std::vector<Entry> entries() && { return std::move(entries_); }  // of Catalog::standard(), say
  // Throws Error(config) with the nearest names.
  [[nodiscard]] const Entry& at(const std::string& name) const& {
    std::vector<std::string> known;
    for (const auto& entry : entries_) {
      if (entry.name == name) return entry;
      known.push_back(entry.name);
    }
    fail(ErrorKind::config, "catalog: no model '", name, "'", nearest_hint(name, known));
  }

  [[nodiscard]] Entry at(const std::string& name) && { return std::as_const(*this).at(name); }

  // Seeds torch's generator, then builds: equal choices give equal start weights.
  [[nodiscard]] std::shared_ptr<AlignmentModel> create(const ModelChoice& choice) const {
    torch::manual_seed(choice.seed);
    return at(choice.name).build(choice.overrides);
  }

 private:
  std::vector<Entry> entries_;
};

// A model of the standard catalogue.
[[nodiscard]] inline std::shared_ptr<AlignmentModel> create_model(const std::string& name, const std::vector<std::string>& overrides = {}) {
  return Catalog::standard().create({.name = name, .overrides = overrides});
}

}  // namespace mgca

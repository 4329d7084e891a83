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
    std::function<std::shared_ptr<AlignmentModel>(const std::vector<std::string>& overrides)> build;
    std::function<std::string(const std::vector<std::string>& overrides)> config_text;            // JSON
    std::function<std::vector<OptionRow>(const std::vector<std::string>& overrides)> options;
  };

  // The models of the library.
  [[nodiscard]] static Catalog standard() {
    Catalog catalog;
    catalog.add<MgcaVit>("mgca-vit-b16", "published model: ViT-B/16, 224 px, 6-layer BERT", presets::mgca_vit_b16());
    catalog.add<MgcaResNet>("mgca-resnet50", "published comparison: ResNet-50 at 299 px, 6-layer BERT", presets::mgca_resnet50());
    catalog.add<MgcaVit>("mgca-vit-tiny", "small ViT for tests and first steps, 64 px", presets::mgca_vit_tiny());
    catalog.add<MgcaResNet>("mgca-resnet-small", "small ResNet for hundreds to thousands of images, 64 px", presets::mgca_resnet_small());
    catalog.add<ConVirtResNet>("convirt-resnet50", "ConVIRT on the towers of mgca-resnet50", presets::convirt_resnet50());
    catalog.add<ConVirtVit>("convirt-vit-b16", "ConVIRT on the towers of mgca-vit-b16", presets::convirt_vit_b16());
    catalog.add<ConVirtResNet>("convirt-resnet-small", "ConVIRT on the towers of mgca-resnet-small", presets::convirt_resnet_small());
    catalog.add<GloriaResNet>("gloria-resnet50", "GLoRIA as published: ResNet-50 at 299 px, 12-layer BERT", presets::gloria_resnet50());
    catalog.add<GloriaResNet>("gloria-resnet-small", "GLoRIA on the towers of mgca-resnet-small", presets::gloria_resnet_small());
    catalog.add<ClipVit>("clip-vit-b16", "CLIP's objective on the towers of mgca-vit-b16", presets::clip_vit_b16());
    catalog.add<ClipResNet>("clip-resnet-small", "CLIP's objective on the towers of mgca-resnet-small", presets::clip_resnet_small());
    return catalog;
  }

  // Throws Error(argument) for a name that is taken.
  template <class Model>
  void add(const std::string& name, const std::string& summary, const typename Model::Config& preset) {
    for (const auto& entry : entries_) MGCA_CHECK(entry.name != name, "catalog: '", name, "' is there already");
    const auto changed = [preset](const std::vector<std::string>& overrides) {
      auto config = preset;
      apply_overrides(config, overrides);
      return config;
    };
    entries_.push_back({name, summary,
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

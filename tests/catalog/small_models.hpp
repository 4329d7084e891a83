// The catalogue's models, narrow: names of tensors do not depend on widths.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/catalog/catalog.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace mgca::test {

inline std::vector<std::string> narrow(const std::string& name, std::vector<std::string> more = {}) {
  std::vector<std::string> overrides{"text.width=24", "text.heads=2", "text.intermediate=8", "text.vocabulary=40", "text.max_positions=20", "text.length=12",
                                     "head_hidden=8", "embedding=4", "prototypes=5"};
  if (name.find("vit") != std::string::npos) overrides.insert(overrides.end(), {"image.width=24", "image.heads=2", "image.image_size=32", "image.patch_size=8"});
  else overrides.insert(overrides.end(), {"image.width=4", "image.image_size=32", "image.enlarged=0"});
  const auto options = Catalog::standard().at(name).options({});
  std::erase_if(overrides, [&](const std::string& text) {  // what this model has not
    return std::none_of(options.begin(), options.end(), [&](const auto& row) { return text.starts_with(row.path + "="); });
  });
  overrides.insert(overrides.end(), more.begin(), more.end());
  return overrides;
}

inline std::shared_ptr<AlignmentModel> small_model(const std::string& name, std::vector<std::string> more = {}) {
  return Catalog::standard().create({.name = name, .overrides = narrow(name, std::move(more)), .seed = 5});
}

inline std::vector<std::string> tensor_names(const AlignmentModel& model) {
  std::vector<std::string> names;
  for (const auto& item : state_dict(model)) names.push_back(item.name);
  return names;
}

}  // namespace mgca::test

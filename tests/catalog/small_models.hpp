// The catalogue's models, small: names of tensors do not depend on widths.
#pragma once

#include <mgca/align/model.hpp>
#include <mgca/catalog/catalog.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace mgca::test {

inline std::vector<std::string> narrow(const std::string& name, const std::vector<std::string>& more = {}) {
  auto overrides = Catalog::standard().at(name).small;
  overrides.insert(overrides.end(), more.begin(), more.end());
  return overrides;
}

inline std::shared_ptr<AlignmentModel> small_model(const std::string& name, const std::vector<std::string>& more = {}) {
  return Catalog::standard().create({.name = name, .overrides = narrow(name, more), .seed = 5});
}

inline bool has_option(const Catalog::Entry& entry, const std::string& path) {
  const auto options = entry.options({});
  return std::any_of(options.begin(), options.end(), [&](const auto& row) { return row.path == path; });
}

inline std::vector<std::string> tensor_names(const AlignmentModel& model) {
  std::vector<std::string> names;
  for (const auto& item : state_dict(model)) names.push_back(item.name);
  return names;
}

}  // namespace mgca::test

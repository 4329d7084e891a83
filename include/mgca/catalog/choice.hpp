// Which model, said in words: cheap to include, unlike the catalogue itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mgca {

// A model by name with what was changed about it: enough to build it again.
struct ModelChoice {
  std::string name = "mgca-vit-b16";
  std::vector<std::string> overrides = {};  // "image.depth=6"
  uint64_t seed = 42;                       // of the start weights

  static void describe(auto& self, auto&& field) {
    field("name", self.name, "entry of the catalogue");
    field("overrides", self.overrides, "changed options, as key=value");
    field("seed", self.seed, "of the start weights");
  }
};

}  // namespace mgca

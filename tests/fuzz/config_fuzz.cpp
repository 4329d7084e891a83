// A configuration that is read is read again, equal, from what it says; overrides change it as a whole or not at all.
#include "fuzz.hpp"

#include <mgca/core/config.hpp>

using mgca::test::demand;

namespace {

enum class Pooling : std::uint8_t { cls, mean };
constexpr auto names_of(Pooling) { return std::to_array<std::string_view>({"cls", "mean"}); }

struct Tower {
  std::int64_t depth = 12;
  std::uint8_t heads = 3;
  Pooling pooling = Pooling::cls;
  std::optional<double> dropout;
  static void describe(auto& self, auto&& field) {
    field("depth", self.depth, "");
    field("heads", self.heads, "");
    field("pooling", self.pooling, "");
    field("dropout", self.dropout, "");
  }
};
struct Model {
  Tower image;
  std::string name = "mgca";
  std::filesystem::path out;
  std::vector<double> weights{1, 2};
  std::vector<Tower> towers;
  std::map<std::string, double> extra;
  bool frozen = false;
  static void describe(auto& self, auto&& field) {
    field("image", self.image, "");
    field("name", self.name, "");
    field("out", self.out, "");
    field("weights", self.weights, "");
    field("towers", self.towers, "");
    field("extra", self.extra, "");
    field("frozen", self.frozen, "");
  }
};

void read_again(const Model& model) {
  const auto text = mgca::to_json_text(model);
  const auto again = mgca::from_json_text<Model>(text, "again");
  demand(mgca::to_json_text(again) == text);
  demand(mgca::config_hash(again) == mgca::config_hash(model));
  demand(mgca::differences(again, model).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = mgca::test::as_text(data, size);
  try {
    read_again(mgca::from_json_text<Model>(text, "fuzz"));
  } catch (const mgca::Error& error) {
    demand(error.kind() == mgca::ErrorKind::config && std::string_view(error.what()).starts_with("fuzz"));
  }
  Model model;
  const auto before = mgca::to_json_text(model);
  try {
    mgca::apply_overrides(model, {std::string(text)});
    read_again(model);
  } catch (const mgca::Error& error) {
    demand(error.kind() == mgca::ErrorKind::config && mgca::to_json_text(model) == before);
  }
  return 0;
}

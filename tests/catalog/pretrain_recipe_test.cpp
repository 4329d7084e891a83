#include "described.hpp"
#include "expect_error.hpp"

#include <mgca/catalog/catalog.hpp>

namespace recipes = mgca::recipes;
using mgca::PretrainRecipe;

namespace {

const PretrainRecipe& recipe_of(const mgca::Catalog& catalog, const std::string& name) { return catalog.at(name).facts.recipe; }

std::vector<std::string> differing(const PretrainRecipe& a, const PretrainRecipe& b) {
  std::vector<std::string> paths;
  for (const auto& one : mgca::differences(a, b)) paths.push_back(one.path);
  return paths;
}

}  // namespace

TEST_CASE("pretrain_recipe: every field is described, and nonsense is refused with its value", "[catalog][fast]") {
  mgca::test::expect_described<PretrainRecipe>(232);
  const auto refused = [](const std::string& set, std::string_view name) {
    PretrainRecipe r;
    mgca::test::expect_error([&] { mgca::apply_overrides(r, {set}); }, {"overrides", name});
  };
  refused("batch_size=0", "batch_size");
  refused("sentence=1.5", "1.5");
  refused("schedule.rate=-1", "-1");
  refused("augmentation.flip=2", "flip is a probability, got 2");
}

TEST_CASE("pretrain_recipe: models of the published sizes begin with the published recipes, whatever they are called", "[catalog][fast]") {
  const auto catalog = mgca::Catalog::standard();
  const auto mgca = recipe_of(catalog, "mgca-vit-b16");
  CHECK((mgca.epochs == 50 && mgca.patience == 5 && mgca.batch_size == 72 && mgca.sentence == 0));
  CHECK((mgca.schedule.rate == 2e-5 && mgca.schedule.minimum == 1e-8 && mgca.schedule.warmup_fraction == 0.4));
  CHECK((mgca.optimizer.weight_decay == 0.05 && mgca.optimizer.beta1 == 0.9 && mgca.optimizer.clip_norm == 0));
  for (const auto* name : {"mgca-resnet50", "mgca-densenet121", "clip-vit-b16", "supervised-resnet50"}) {
    INFO(name);
    CHECK(differing(recipe_of(catalog, name), mgca).empty());
  }
  for (const auto* name : {"moco-vit-b16", "moco-resnet50", "simclr-vit-b16"}) {  // they differ in how pictures are seen
    INFO(name);
    for (const auto& path : differing(recipe_of(catalog, name), mgca)) CHECK(path.starts_with("augmentation."));
    CHECK(recipe_of(catalog, name).augmentation.least_area == 0.2);
  }
  const auto gloria = recipe_of(catalog, "gloria-resnet50");
  CHECK((gloria.schedule.rate == 5e-5 && gloria.batch_size == 48 && gloria.optimizer.clip_norm == 0.25 && gloria.optimizer.beta1 == 0.5));
  CHECK((gloria.optimizer.weight_decay == 1e-6 && gloria.sentence == 1 && gloria.epochs == 50 && gloria.patience == 10));
  CHECK(mgca::learning_rate(gloria.schedule, 0, 100) == 5e-5);
  CHECK(mgca::differences(gloria.augmentation, mgca.augmentation).empty());
  const auto convirt = recipe_of(catalog, "convirt-resnet50");
  CHECK(differing(convirt, recipe_of(catalog, "convirt-vit-b16")).empty());
  CHECK((convirt.schedule.rate == 1e-4 && convirt.batch_size == 32 && convirt.sentence == 1 && convirt.augmentation.rotate == 20));
  CHECK(mgca::learning_rate(convirt.schedule, 99, 100) == 1e-4);
}

TEST_CASE("pretrain_recipe: small models are trained alike but for the views of those that look twice", "[catalog][fast]") {
  int64_t seen = 0;
  for (const auto& entry : mgca::Catalog::standard().entries()) {
    const auto options = entry.options({});
    if (std::none_of(options.begin(), options.end(), [](const auto& row) { return row.path == "image.image_size" && row.value == "64"; })) continue;
    INFO(entry.name);
    ++seen;
    const auto changed = differing(entry.facts.recipe, recipes::small());
    if (entry.needs.views == 1) CHECK(changed.empty());
    else CHECK(std::all_of(changed.begin(), changed.end(), [](const auto& path) { return path.starts_with("augmentation."); }));
    CHECK((entry.facts.recipe.augmentation.flip > 0) == (entry.needs.views == 2));
  }
  CHECK(seen >= 8);
}

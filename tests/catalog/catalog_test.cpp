#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/catalog.hpp>
#include <mgca/tasks.hpp>

#include <sys/resource.h>

using mgca::Catalog;

namespace {

mgca::Tokens tokens_for(const mgca::AlignmentModel& model, int64_t B) {
  const auto T = model.text_length();
  auto ids = torch::randint(5, std::min<int64_t>(model.vocabulary(), 1000), {B, T}, torch::kLong);
  auto slots = torch::arange(-1, T - 1).expand({B, T}).contiguous();
  return {.ids = ids, .mask = torch::ones_like(ids), .word_slot = slots, .words = torch::full({B}, T - 1, torch::kLong)};
}
int64_t parameters(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const auto& p : module.parameters()) count += p.numel();
  return count;
}

}  // namespace

TEST_CASE("catalog: every small model runs forward and backward, and its config survives the round trip", "[catalog][fast]") {
  for (const auto& entry : Catalog::standard().entries()) {
    INFO(entry.name);
    CHECK(entry.options({}).size() > 20);
    CHECK(entry.config_text({}).size() > 500);
    if (entry.name == "mgca-vit-b16" || entry.name == "mgca-resnet50") continue;  // the slow test below
    const auto model = entry.build({"text.vocabulary=1000"});
    const auto losses = model->losses(torch::randn({3, 3, model->image_size(), model->image_size()}), tokens_for(*model, 3));
    CHECK(losses.terms.size() == 3);
    losses.total().backward();
    for (const auto& item : model->named_parameters()) {
      INFO(item.key());
      const bool unused = item.key().find("local_atten_layer") != std::string::npos && !item.value().grad().defined();
      CHECK((unused || item.value().grad().isfinite().all().item<bool>()));
    }
  }
}

TEST_CASE("catalog: names and options are checked with hints", "[catalog][fast]") {
  mgca::test::expect_error([] { (void)mgca::create_model("mgca-vit-b32"); }, {"mgca-vit-b32", "did you mean 'mgca-vit-b16'"});
  mgca::test::expect_error([] { (void)mgca::create_model("mgca-vit-tiny", {"image.dept=2"}); }, {"/image/dept", "depth"});
  mgca::test::expect_error([] { (void)mgca::create_model("mgca-vit-tiny", {"image.heads=5"}); }, {"width 64", "heads 5"});
  auto catalog = Catalog::standard();
  catalog.add<mgca::MgcaVit>("mine", "a copy", mgca::presets::mgca_vit_tiny());
  CHECK(catalog.at("mine").summary == "a copy");
  mgca::test::expect_error([&] { catalog.add<mgca::MgcaVit>("mine", "", {}); }, {"'mine'"});
}

TEST_CASE("catalog: equal choices give equal start weights", "[catalog][fast]") {
  const auto build = [](uint64_t seed) {
    return mgca::state_dict(*Catalog::standard().create({.name = "mgca-vit-tiny", .overrides = {"text.vocabulary=100"}, .seed = seed}))[0].value;
  };
  CHECK(torch::equal(build(1), build(1)));
  CHECK_FALSE(torch::equal(build(1), build(2)));
}

TEST_CASE("catalog: the published models have the published numbers of parameters", "[catalog][slow]") {
  const std::vector<std::string> published{"text.cross_attention=true"};
  CHECK(parameters(*mgca::create_model("mgca-vit-b16", published)) == 172734208);
  CHECK(parameters(*mgca::create_model("mgca-resnet50", published)) == 113589312);
  CHECK(parameters(*mgca::create_model("mgca-vit-b16")) == 172734208 - 14183424);
}

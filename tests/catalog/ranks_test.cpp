// Every model of the catalogue on two ranks against one process. In double precision, where what differs is not rounding.
#include "rank_steps.hpp"
#include "small_models.hpp"

#include <functional>
#include <set>
#include <utility>

using mgca::Catalog;
using mgca::test::has_option;

namespace {

using Models = std::vector<std::shared_ptr<mgca::AlignmentModel>>;

// Every model that compares samples; one small form of those that are the same. A deep tower is that deep in the first alone that has it.
void for_every_small_model(const std::function<void(const Catalog::Entry& entry, std::vector<std::string> overrides)>& claim) {
  std::set<std::string> seen;
  bool deep = false;
  for (const auto& entry : Catalog::standard().entries()) {
    if (entry.needs.labels) continue;
    auto overrides = entry.small;
    for (const auto& row : entry.options({})) {
      const bool is_deep = row.path == "image.depth" && row.value.find("resnet50") != std::string::npos;
      if (is_deep && std::exchange(deep, true)) overrides.emplace_back("image.depth=resnet10");
    }
    if (has_option(entry, "text.dropout")) overrides.emplace_back("text.dropout=0");
    if (seen.insert(entry.config_text(overrides)).second) claim(entry, std::move(overrides));
  }
  CHECK(seen.size() >= 10);
}

Models alike(const Catalog::Entry& entry, const std::vector<std::string>& overrides, std::size_t count) {
  Models all;
  for (std::size_t i = 0; i < count; ++i) {
    torch::manual_seed(3);
    all.push_back(entry.build(overrides));
    mgca::test::to_double(*all.back());
  }
  return all;
}

// Six studies each; one report has no word.
std::vector<mgca::AlignmentInput> five_batches(const Catalog::Entry& entry, const mgca::AlignmentModel& model) {
  std::vector<mgca::AlignmentInput> all;
  for (int i = 0; i < 5; ++i) {
    auto batch = mgca::test::batch_for(entry, model, {model.text_length() - 2, 5, 0, 3, 1, 7});
    batch.images = batch.images.to(torch::kFloat64);
    if (batch.second_images.defined()) batch.second_images = batch.second_images.to(torch::kFloat64);
    all.push_back(batch);
  }
  return all;
}

}  // namespace

TEST_CASE("ranks: with gathered negatives, global Sinkhorn and synchronised norms two ranks train every model as one process does", "[catalog][slow]") {
  for_every_small_model([](const Catalog::Entry& entry, std::vector<std::string> overrides) {
    for (const std::string one : {"negatives=gathered", "sinkhorn_scope=global"}) {
      if (has_option(entry, one.substr(0, one.find('=')))) overrides.push_back(one);
    }
    INFO(entry.name);
    const auto whole = alike(entry, overrides, 1).front();
    const auto ranks = alike(entry, overrides, 2);
    const auto batches = five_batches(entry, *whole);
    const auto expected = mgca::test::train_steps(*whole, batches);
    for (const auto& of_rank : mgca::test::train_ranks(ranks, batches, /*synchronised=*/true)) {
      const auto off = mgca::test::deviation(of_rank, expected);
      INFO(off.where);
      CHECK(off.value < 1e-5);
      CHECK(off.metric < 1e-5);
      CHECK(off.gradient < 1e-5);
    }
  });
}

TEST_CASE("ranks: with each its own negatives, as published, two ranks train every model as one process does in two groups", "[catalog][slow]") {
  int64_t seen = 0;
  for_every_small_model([&](const Catalog::Entry& entry, std::vector<std::string> overrides) {
    if (!has_option(entry, "micro_group")) return;
    ++seen;
    INFO(entry.name);
    if (has_option(entry, "negatives")) overrides.emplace_back(has_option(entry, "profile") ? "profile=official" : "negatives=per_rank");
    const auto ranks = alike(entry, overrides, 2);
    overrides.emplace_back("micro_group=3");
    const auto groups = alike(entry, overrides, 1).front();
    const auto batches = five_batches(entry, *groups);
    const auto expected = mgca::test::train_steps(*groups, batches);
    const auto off = mgca::test::deviation(mgca::test::train_ranks(ranks, batches).front(), expected);
    INFO(off.where);
    CHECK(off.value < 1e-5);
    CHECK(off.metric < 1e-5);
    CHECK(off.gradient < 1e-5);
  });
  CHECK(seen >= 8);
}

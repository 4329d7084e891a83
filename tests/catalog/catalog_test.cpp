#include "expect_error.hpp"
#include "gradients.hpp"
#include "host_reads.hpp"
#include "small_models.hpp"

#include <mgca/catalog.hpp>
#include <mgca/tensor/multiply_adds.hpp>
#include <mgca/tensor/shapes_only.hpp>
#include <mgca/train/optimizer.hpp>

#include <set>

using mgca::AlignmentModel;
using mgca::Catalog;
using mgca::test::batch_for;
using mgca::test::has_option;
using mgca::test::HostReads;
using mgca::test::tokens_for;

namespace {

bool is_idle(const AlignmentModel& model, const std::string& name) {
  const auto idle = model.idle_parameters();
  return std::any_of(idle.begin(), idle.end(), [&](const auto& piece) { return name.find(piece) != std::string::npos; });
}

// One training step: nothing waits for the device, the gradient reaches every parameter that is not said to stay, and no other.
void check_training_step(const Catalog::Entry& entry, AlignmentModel& model) {
  model.train();
  const auto T = model.text_length();
  const auto batch = batch_for(entry, model, model.needs().reports ? std::vector<int64_t>{T - 2, 5, 0} : std::vector<int64_t>{0, 0, 0});
  mgca::AdamW optimizer(model, {.clip_norm = 1});
  mgca::Tensor loss;
  {
    const HostReads watch;
    const auto losses = model.losses(batch);
    loss = losses.total();
    CHECK_FALSE(losses.terms.empty());
    loss.backward();
    model.after_backward(1);
    optimizer.step(1e-3);
    CHECK(HostReads::operator_count() > 100);
    CHECK(HostReads::reads() == std::multiset<std::string>{});
  }
  {
    const HostReads watch;
    CHECK(loss.isfinite().item<bool>());
    CHECK(HostReads::reads().count("aten::_local_scalar_dense") == 1);  // the watch sees what it watches for
  }
  for (const auto& item : model.named_parameters()) {
    INFO(item.key());
    const auto& gradient = item.value().grad();
    CHECK(item.value().isfinite().all().item<bool>());
    if (gradient.defined()) CHECK(gradient.isfinite().all().item<bool>());
    const auto largest = gradient.defined() ? gradient.abs().max().item<float>() : 0.F;
    if (!item.value().requires_grad()) CHECK_FALSE(gradient.defined());
    else if (is_idle(model, item.key())) CHECK(largest < 1e-4F);
    else CHECK(largest > 0);
  }
}

void check_batch_of_one(const Catalog::Entry& entry, AlignmentModel& model) {
  for (const auto& [words, training] : {std::pair<int64_t, bool>(4, true), std::pair<int64_t, bool>(0, false)}) {
    INFO(words << " words, " << (training ? "training" : "evaluation"));
    model.train(training);
    model.zero_grad();
    const auto losses = model.losses(batch_for(entry, model, {words}));
    losses.total().backward();
    CHECK(losses.total().isfinite().item<bool>());
    for (const auto& [name, value] : losses.metrics) {
      if (model.needs().reports && name.starts_with("acc")) CHECK(value.item<float>() == 1);  // the only report is the right one
    }
    for (const auto& item : model.named_parameters()) {
      INFO(item.key());
      if (item.value().grad().defined()) CHECK(item.value().grad().isfinite().all().item<bool>());
    }
  }
}

void check_shapes(AlignmentModel& model) {
  const torch::NoGradGuard no_grad;
  model.eval();
  const auto S = model.image_size();
  const auto images = torch::randn({2, 3, S, S});
  const auto image = model.encode_image(images);
  CHECK(model.image_features(images).sizes() == at::IntArrayRef({2, model.image_width()}));
  CHECK(torch::equal(image.features, model.image_features(images)));
  CHECK(torch::allclose(image.global.norm(2, {1}), torch::ones({2})));
  if (image.local.defined()) CHECK(image.local.size(2) == image.global.size(1));
  if (!model.needs().reports) return;
  const auto text = model.encode_text(tokens_for(model, {3, 1}));
  CHECK(image.global.sizes() == text.global.sizes());
  CHECK(image.local.defined() == text.local.defined());
  if (!text.local.defined()) return;
  CHECK((text.local.size(0) == 2 && text.local.size(1) >= model.text_length() - 1 && text.local.size(2) == text.global.size(1)));
  CHECK(text.valid.sizes() == text.local.sizes().slice(0, 2));
}

// Equal choices give equal start weights.
void check_rebuilt(const Catalog& catalog, const Catalog::Entry& entry) {
  const auto build = [&](uint64_t seed) { return mgca::state_dict(*catalog.create({.name = entry.name, .overrides = entry.small, .seed = seed})); };
  const auto a = build(1), b = build(1), other = build(2);
  bool differs = false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(a[i].name);
    CHECK(torch::equal(a[i].value, b[i].value));
    differs = differs || !torch::equal(a[i].value, other[i].value);
  }
  CHECK(differs);
}

}  // namespace

TEST_CASE("catalog: every model trains in each of its profiles without waiting for the device, and is drawn again from its seed", "[catalog][slow]") {
  const auto catalog = Catalog::standard();
  REQUIRE(catalog.entries().size() >= 5);
  for (const auto& entry : catalog.entries()) {
    for (const std::string profile : {"official", "fixed"}) {
      INFO(entry.name << ", " << profile);
      auto overrides = entry.small;
      if (has_option(entry, "profile")) overrides.push_back("profile=" + profile);
      else if (profile == "official") continue;
      torch::manual_seed(3);
      const auto model = entry.build(overrides);
      CHECK(mgca::to_string(model->profile()) == profile);
      check_shapes(*model);
      check_training_step(entry, *model);
      check_batch_of_one(entry, *model);
    }
    INFO(entry.name);
    check_rebuilt(catalog, entry);
  }
}

TEST_CASE("catalog: every option of every model can be given, and giving what stands there changes nothing", "[catalog][fast]") {
  const auto catalog = Catalog::standard();
  for (const auto& entry : catalog.entries()) {
    INFO(entry.name);
    std::vector<std::string> all;
    for (const auto& row : entry.options({})) all.push_back(row.path + "=" + row.value);
    CHECK(all.size() >= 5);
    CHECK(entry.config_text(all) == entry.config_text({}));
    CHECK(entry.config_text(entry.small) != entry.config_text({}));
    CHECK_FALSE(entry.summary.empty());
  }
}

TEST_CASE("catalog: every model of pictures alone trains without waiting for the device, and its configuration can be written down", "[catalog][fast]") {
  int64_t seen = 0;
  for (const auto& entry : Catalog::standard().entries()) {
    if (entry.needs.reports) continue;
    INFO(entry.name);
    ++seen;
    const auto options = entry.options({});
    const auto has = [&](const std::string& path) { return std::any_of(options.begin(), options.end(), [&](const auto& row) { return row.path == path; }); };
    std::vector<std::string> small{"image.image_size=32"};
    if (has("image.depth") && has("image.patch_size")) small.insert(small.end(), {"image.patch_size=8", "image.width=24", "image.heads=2", "image.depth=2"});
    else small.insert(small.end(), {"image.width=4", "image.enlarged=0"});
    if (has("queue")) small.emplace_back("queue=7");
    if (has("classes")) small.emplace_back("classes=2");
    const auto model = entry.build(small);
    CHECK(model->needs().views == entry.needs.views);
    CHECK(model->needs().labels == entry.needs.labels);
    model->train();
    mgca::AdamW optimizer(*model, {});
    {
      const HostReads watch;
      const auto losses = model->losses({.images = torch::randn({3, 3, 32, 32}), .second_images = torch::randn({3, 3, 32, 32}), .labels = torch::ones({3, 2})});
      losses.total().backward();
      model->after_backward(0);
      optimizer.step(1e-3);
      CHECK(HostReads::reads() == std::multiset<std::string>{});
    }
    for (const auto& item : model->named_parameters()) {
      INFO(item.key());
      CHECK(item.value().grad().defined() == item.value().requires_grad());
      CHECK(item.value().requires_grad() == !item.key().starts_with("img_encoder_k."));
    }
    std::vector<std::string> all;
    for (const auto& row : options) all.push_back(row.path + "=" + row.value);
    CHECK(entry.config_text(all) == entry.config_text({}));
    CHECK(entry.config_text(small) != entry.config_text({}));
  }
  CHECK(seen >= 7);
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

TEST_CASE("catalog: the published models have the published numbers of parameters", "[catalog][fast]") {
  int published = 0;
  for (const auto& entry : Catalog::standard().entries()) {
    if (entry.facts.published_parameters == 0) continue;
    INFO(entry.name);
    ++published;
    const mgca::ShapesOnly scope;
    CHECK(mgca::cost_of(*entry.build(entry.facts.published_with)).parameters == entry.facts.published_parameters);
  }
  CHECK(published >= 2);
}

TEST_CASE("catalog: the towers do the published number of multiply-adds", "[catalog][fast]") {
  const torch::NoGradGuard no_grad;
  const mgca::ShapesOnly scope;
  const auto giga = [](auto tower) {
    tower->eval();
    return static_cast<double>(mgca::multiply_adds([&] { (void)tower(torch::zeros({1, 3, 224, 224})); })) / 1e9;
  };
  CHECK(std::abs(giga(mgca::Vit({})) - 17.56) < 0.02);                    // torchvision: vit_b_16
  CHECK(std::abs(giga(mgca::ResNet({.enlarged = 0})) - 4.09) < 0.01);     // resnet50
  CHECK(std::abs(giga(mgca::DenseNet({})) - 2.83) < 0.01);                // densenet121
}

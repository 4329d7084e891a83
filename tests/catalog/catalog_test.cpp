#include "expect_error.hpp"
#include "gradients.hpp"
#include "host_reads.hpp"

#include <mgca/catalog.hpp>
#include <mgca/train/optimizer.hpp>

#include <set>

using mgca::AlignmentModel;
using mgca::Catalog;
using mgca::test::HostReads;

namespace {

// Reports with the given numbers of words, one piece each, between [CLS] and [SEP].
mgca::Tokens tokens_for(const AlignmentModel& model, const std::vector<int64_t>& words) {
  const auto B = static_cast<int64_t>(words.size()), T = model.text_length();
  const auto count = torch::tensor(words).view({B, 1}), position = torch::arange(T).unsqueeze(0);
  const auto is_word = position.ge(1).logical_and(position.le(count));
  const auto ids = torch::randint(200, model.vocabulary(), {B, T}).masked_fill(position.gt(count + 1), 0);
  return {.ids = ids, .mask = position.le(count + 1).to(torch::kLong),
          .word_slot = torch::where(is_word, (position - 1).expand({B, T}), torch::full({B, T}, -1, torch::kLong)), .words = torch::tensor(words)};
}

int64_t parameters(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const auto& p : module.parameters()) count += p.numel();
  return count;
}

// Parameters that exist for the sake of published files only, and those whose effect the next operation takes away: a shift of
// all scores of a query, a constant before a batch norm.
bool is_unused(const AlignmentModel& model, const std::string& name) {
  return model.profile() == mgca::Profile::official && name.find("local_atten_layer") != std::string::npos;
}
bool has_no_effect(const std::string& name) { return name.ends_with("key.bias") || name.ends_with("head.0.bias") || name.ends_with("head.3.bias"); }

// One training step: nothing waits for the device, the gradient reaches every parameter, and each of them moves.
void check_training_step(AlignmentModel& model) {
  model.train();
  const auto S = model.image_size(), T = model.text_length();
  const auto images = torch::randn({3, 3, S, S});
  const auto tokens = tokens_for(model, {T - 2, 5, 0});
  mgca::AdamW optimizer(model, {.clip_norm = 1});
  mgca::Tensor loss;
  {
    const HostReads watch;
    const auto losses = model.losses({.images = images, .tokens = tokens});
    loss = losses.total();
    CHECK_FALSE(losses.terms.empty());
    loss.backward();
    model.after_backward(1);
    optimizer.step(1e-3);
    CHECK(HostReads::operator_count() > 500);
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
    CHECK(gradient.defined() == !is_unused(model, item.key()));
    if (!gradient.defined()) continue;
    CHECK(gradient.isfinite().all().item<bool>());
    if (!has_no_effect(item.key())) CHECK(gradient.abs().max().item<float>() > 0);
    CHECK(item.value().isfinite().all().item<bool>());
  }
}

void check_batch_of_one(AlignmentModel& model) {
  const auto S = model.image_size();
  for (const auto& [words, training] : {std::pair<int64_t, bool>(4, true), std::pair<int64_t, bool>(0, false)}) {
    INFO(words << " words, " << (training ? "training" : "evaluation"));
    model.train(training);
    model.zero_grad();
    const auto losses = model.losses({.images = torch::randn({1, 3, S, S}), .tokens = tokens_for(model, {words})});
    losses.total().backward();
    CHECK(losses.total().isfinite().item<bool>());
    for (const auto& [name, value] : losses.metrics) {
      if (name.starts_with("acc")) CHECK(value.item<float>() == 1);  // the only report is the right one
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
  const auto text = model.encode_text(tokens_for(model, {3, 1}));
  CHECK(model.image_features(images).sizes() == at::IntArrayRef({2, model.image_width()}));
  CHECK(torch::equal(image.features, model.image_features(images)));
  CHECK(image.global.sizes() == text.global.sizes());
  if (image.local.defined()) {
    CHECK(image.local.size(2) == image.global.size(1));
    CHECK(text.local.sizes() == at::IntArrayRef({2, text.valid.size(1), text.global.size(1)}));
  }
  CHECK(torch::allclose(image.global.norm(2, {1}), torch::ones({2})));
  CHECK(torch::equal(text.valid.slice(1, 0, model.text_length() - 1).sum(1), torch::tensor({3, 1}, torch::kLong)));
}

}  // namespace

TEST_CASE("catalog: every model trains in both profiles without waiting for the device", "[catalog][slow]") {
  const auto catalog = Catalog::standard();
  REQUIRE(catalog.entries().size() >= 4);
  for (const auto& entry : catalog.entries()) {
    for (const std::string profile : {"official", "fixed"}) {
      INFO(entry.name << ", " << profile);
      std::vector<std::string> fewer_layers{"profile=" + profile, "text.depth=2", "text.last_layers=1"};  // of each kind, which is what is watched
      if (entry.name.find("vit") != std::string::npos) fewer_layers.emplace_back("image.depth=2");
      const auto model = entry.build(fewer_layers);
      CHECK(mgca::to_string(model->profile()) == profile);
      check_shapes(*model);
      check_training_step(*model);
      check_batch_of_one(*model);
    }
  }
}

TEST_CASE("catalog: every option of every model can be given, and giving what stands there changes nothing", "[catalog][fast]") {
  const auto catalog = Catalog::standard();
  for (const auto& entry : catalog.entries()) {
    INFO(entry.name);
    std::vector<std::string> all;
    for (const auto& row : entry.options({})) all.push_back(row.path + "=" + row.value);
    CHECK(all.size() > 25);
    CHECK(entry.config_text(all) == entry.config_text({}));
    CHECK(entry.config_text({"text.width=24"}) != entry.config_text({}));
    CHECK_FALSE(entry.summary.empty());
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
    return mgca::state_dict(*Catalog::standard().create({.name = "mgca-vit-tiny", .overrides = {"text.vocabulary=100"}, .seed = seed}));
  };
  const auto a = build(1), b = build(1), other = build(2);
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(a[i].name);
    CHECK(torch::equal(a[i].value, b[i].value));
  }
  CHECK_FALSE(torch::equal(a[0].value, other[0].value));
}

TEST_CASE("catalog: the published models have the published numbers of parameters", "[catalog][slow]") {
  const std::vector<std::string> published{"text.cross_attention=true"};
  CHECK(parameters(*mgca::create_model("mgca-vit-b16", published)) == 172734208);
  CHECK(parameters(*mgca::create_model("mgca-resnet50", published)) == 113589312);
  CHECK(parameters(*mgca::create_model("mgca-vit-b16")) == 172734208 - 14183424);
}

#include "catch.hpp"
#include "paths.hpp"
#include "ranks.hpp"
#include "tiny_study.hpp"

#include <mgca/align/moco.hpp>
#include <mgca/align/supervised.hpp>
#include <mgca/encoders/resnet.hpp>
#include <mgca/tasks/pretrain.hpp>
#include <mgca/tasks/retrieve.hpp>
#include <mgca/train.hpp>

#include <cmath>

using mgca::test::tiny_model;
using mgca::test::TinyStudy;

namespace {

// The same batches in every epoch.
struct GivenBatches {
  using Batch = mgca::StudyBatch;
  std::vector<Batch> all;

  struct Epoch {
    const std::vector<Batch>* all;
    int64_t next_batch;
    std::optional<Batch> next() {
      if (next_batch == static_cast<int64_t>(all->size())) return std::nullopt;
      return (*all)[static_cast<std::size_t>(next_batch++)];
    }
  };
  [[nodiscard]] int64_t batches_per_epoch() const { return static_cast<int64_t>(all.size()); }
  [[nodiscard]] Epoch epoch_batches(int64_t /*epoch*/, int64_t first) const { return {&all, first}; }
};

}  // namespace

TEST_CASE("pretrain: a tiny model learns its own batch by heart", "[tasks][slow]") {
  const TinyStudy s;
  auto model = tiny_model();
  mgca::PretrainTask task(model.ptr());
  const mgca::Loader<decltype(s.source)> batches(s.source, {.batch_size = 24, .threads = 0});
  mgca::FitOptions options;
  options.epochs = 150;
  options.schedule = {.rate = 2e-3, .warmup_fraction = 0.1};
  mgca::History history;
  const auto before = mgca::tasks::retrieve(mgca::tasks::embed(*model, s.source)).image_to_text.recall(1);
  mgca::fit(task, batches, options, history);
  CHECK(history.fell("loss"));
  CHECK(history.fell("loss_ita"));
  const auto after = mgca::tasks::retrieve(mgca::tasks::embed(*model, s.source)).image_to_text.recall(1);
  INFO("recall@1 " << before << " -> " << after);
  CHECK(after > 0.8);
}

TEST_CASE("pretrain: the loss is the sum of the weighted terms it names", "[tasks][fast]") {
  const TinyStudy s;
  auto model = tiny_model();
  mgca::PretrainTask task(model.ptr());
  const std::vector<int64_t> records{0, 1, 2, 3, 4, 5};
  const auto result = task.training_step(s.source.batch(records, {}));
  CHECK(result.samples == 6);
  double sum = 0;
  std::vector<std::string> terms;
  for (const auto& [name, value] : result.metrics) {
    CHECK_FALSE(value.requires_grad());
    if (!name.starts_with("loss_")) continue;
    terms.push_back(name);
    sum += value.item<double>();
  }
  CHECK(terms == std::vector<std::string>{"loss_ita", "loss_cta", "loss_cpa"});
  CHECK(result.loss.item<double>() == Approx(sum).epsilon(1e-5));
}

TEST_CASE("pretrain: prototypes stay as they are while the model freezes them", "[tasks][fast]") {
  const TinyStudy s;
  auto model = tiny_model();
  mgca::PretrainTask task(model.ptr());
  const std::vector<int64_t> records{0, 1, 2, 3};
  for (const int64_t epoch : {0, 1}) {
    model->zero_grad();
    task.training_step(s.source.batch(records, {})).loss.backward();
    task.after_backward(epoch);
    CHECK(model->prototype_layer->weight.grad().defined() == (epoch > 0));
  }
}

TEST_CASE("pretrain: batches of one, of one pair repeated and of reports without words train without a skipped step", "[tasks][fast]") {
  const TinyStudy s;
  const std::vector<int64_t> one{3}, same{3, 3, 3, 3}, some{0, 1, 2, 3};
  auto wordless = s.source.batch(some, {});
  wordless.tokens.ids.zero_();
  wordless.tokens.mask.zero_();
  wordless.tokens.word_slot.fill_(-1);
  wordless.tokens.words.zero_();
  for (const auto profile : {mgca::Profile::official, mgca::Profile::fixed}) {
    auto model = tiny_model(profile);
    mgca::PretrainTask task(model.ptr());
    const GivenBatches batches{{s.source.batch(one, {}), s.source.batch(same, {}), wordless, s.source.batch(some, {})}};
    mgca::FitOptions options;
    options.epochs = 2;
    options.schedule = {.rate = 1e-4, .warmup_fraction = 0.1};
    int64_t skipped = 0;
    options.run.sink = [&](std::string_view event, auto) { skipped += event == "skipped_steps" ? 1 : 0; };
    mgca::History history;
    CHECK(mgca::fit(task, batches, options, history).progress.step == 8);
    CHECK(skipped == 0);
    CHECK(history.column("loss").size() == 2);
    for (const auto& [name, value] : mgca::state_dict(*model)) {
      INFO(mgca::to_string(profile) << " " << name);
      CHECK(value.isfinite().all().item<bool>());
    }
  }
}

namespace {

using TinyMoco = mgca::Moco<mgca::Vit>;

TinyMoco tiny_moco() {
  torch::manual_seed(3);
  return TinyMoco({.image = {.image_size = 32, .patch_size = 8, .width = 32, .depth = 1, .heads = 2, .mlp_ratio = 2}, .embedding = 8, .momentum = 0.9,
                   .queue = 26});
}

struct TwoViews : TinyStudy {
  mgca::StudySource<mgca::SyntheticStudies> both{studies, tokenizer, {.stored_side = 36, .augmentation = {.crop = 32, .contrast = 0.3}, .views = 2}};
};

mgca::FitOptions moco_options() {
  mgca::FitOptions options;
  options.epochs = 3;
  options.accumulation = 2;
  options.schedule = {.rate = 1e-3, .warmup_fraction = 0.1};
  return options;
}

struct StopAfter {
  std::atomic<bool>* stop;
  int64_t step;
  void after_step(const mgca::Progress& at) const { if (at.step == step) *stop = true; }
};

// A task whose loss is no number in one step.
struct Spoilt : mgca::PretrainTask {
  using PretrainTask::PretrainTask;
  int64_t spoilt_batch = -1, batches = 0;
  mgca::StepResult training_step(const mgca::StudyBatch& batch) {
    auto result = PretrainTask::training_step(batch);
    if (batches++ == spoilt_batch) result.loss = result.loss * std::nan("");
    return result;
  }
};

}  // namespace

TEST_CASE("pretrain: MoCo stopped in the middle of an epoch and resumed ends bit for bit like MoCo undisturbed", "[tasks][fast]") {
  const TwoViews s;
  const mgca::Loader<decltype(s.both)> batches(s.both, {.batch_size = 5, .threads = 0});  // 4 batches an epoch, 2 steps
  const auto held_out_source = s.both.without_augmentation();
  const mgca::Loader<decltype(s.both)> held_out(held_out_source, {.batch_size = 7, .order = mgca::Order::as_stored, .last_batch = mgca::LastBatch::keep, .threads = 0});
  const auto run = [&](const std::filesystem::path& folder, int64_t stop_after) {
    auto model = tiny_moco();
    mgca::PretrainTask task(model.ptr());
    std::atomic<bool> stop = false;
    auto options = moco_options();
    options.run = {.folder = folder, .stop = &stop};
    mgca::History history;
    mgca::fit(task, batches, options, mgca::Validate(task, held_out, options.precision), history, StopAfter{&stop, stop_after});
    return std::pair(model, history);
  };
  const mgca::test::Scratch scratch;
  const auto [whole, history] = run(scratch / "whole", -1);
  CHECK(run(scratch / "parts", 3).first->queue.next.item<int64_t>() == 30 % 26);  // in the second epoch, after a validation
  const auto [resumed, again] = run(scratch / "parts", -1);
  const auto expected = mgca::state_dict(*whole), found = mgca::state_dict(*resumed);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO(expected[i].name);
    CHECK(torch::equal(found[i].value, expected[i].value));
  }
  CHECK(history.column("val_loss") == again.column("val_loss"));
  CHECK(whole->queue.next.item<int64_t>() == 60 % 26);
  CHECK_FALSE(torch::equal(whole->img_encoder_k->model->cls_token, whole->img_encoder_q->model->cls_token));
}

namespace {

// MoCo on as many ranks as there are models, or alone. Each rank keeps what the run left.
struct MocoRanks {
  std::vector<std::shared_ptr<mgca::AlignmentModel>> models;
  std::vector<std::vector<double>> val_losses;

  // Models are made here: torch's generator is shared between threads.
  template <class Model>
  static MocoRanks alike(int64_t count, const typename Model::Config& config) {
    MocoRanks all;
    for (int64_t i = 0; i < count; ++i) {
      torch::manual_seed(3);
      all.models.push_back(Model(config).ptr());
    }
    all.val_losses.resize(all.models.size());
    return all;
  }

  void run(const TwoViews& study, const std::filesystem::path& folder = {}, int64_t stop_after = -1, int64_t held_out_size = 7) {
    const auto one = [&](mgca::ProcessGroup* group) {
      const int64_t rank = group == nullptr ? 0 : group->rank(), world = group == nullptr ? 1 : group->size();
      const auto plain = study.both.without_augmentation();
      const mgca::Loader<decltype(study.both)> batches(study.both, {.batch_size = 6, .threads = 0, .rank = rank, .world = world});  // 4 an epoch, 2 steps
      const mgca::Loader<decltype(study.both)> held_out(plain, {.batch_size = held_out_size, .order = mgca::Order::as_stored, .last_batch = mgca::LastBatch::keep,
                                                                .threads = 0, .rank = rank, .world = world, .share = mgca::Share::batches});
      std::optional<mgca::Ranks> ranks;
      if (group != nullptr) ranks.emplace(mgca::Ranks{*group, *group, *group});
      std::atomic<bool> stop = false;
      auto options = moco_options();
      options.run = {.folder = folder, .stop = &stop, .ranks = ranks ? &*ranks : nullptr};
      mgca::PretrainTask task(models[static_cast<std::size_t>(rank)], group);
      mgca::History history;
      mgca::fit(task, batches, options, mgca::Validate(task, held_out), history, StopAfter{&stop, stop_after});
      val_losses[static_cast<std::size_t>(rank)] = history.column("val_loss");
    };
    if (models.size() == 1) one(nullptr);
    else mgca::test::on_ranks(static_cast<int64_t>(models.size()), [&](mgca::ProcessGroup& group) { one(&group); });
  }
};

bool same_bits(const torch::nn::Module& a, const torch::nn::Module& b) {
  const auto x = mgca::state_dict(a), y = mgca::state_dict(b);
  return std::equal(x.begin(), x.end(), y.begin(), y.end(), [](const auto& one, const auto& other) { return torch::equal(one.value, other.value); });
}

}  // namespace

TEST_CASE("pretrain: MoCo of ranks whose norms see other ranks' pictures, stopped and resumed, ends bit for bit like undisturbed ranks", "[tasks][slow]") {
  const TwoViews s;
  using Model = mgca::Moco<mgca::ResNet>;
  const Model::Config config{.image = {.depth = mgca::ResNetDepth::resnet10, .stem = mgca::ResNetStem::small, .image_size = 32, .enlarged = 0, .width = 4},
                             .embedding = 8, .momentum = 0.9, .queue = 26};
  for (const int64_t world : {2, 3}) {
    INFO(world << " ranks");
    const mgca::test::Scratch scratch;
    auto whole = MocoRanks::alike<Model>(world, config), first = whole.alike<Model>(world, config), second = whole.alike<Model>(world, config);
    whole.run(s, scratch / "whole");
    first.run(s, scratch / "parts", 3);  // in the second epoch, after a validation
    CHECK_FALSE(same_bits(*first.models[0], *whole.models[0]));
    second.run(s, scratch / "parts");
    for (std::size_t rank = 0; rank < second.models.size(); ++rank) {
      CHECK(same_bits(*second.models[rank], *whole.models[0]));
      CHECK(second.val_losses[rank] == whole.val_losses[0]);
    }
    CHECK(whole.val_losses[0].size() == 3);
  }
}

TEST_CASE("pretrain: what MoCo loses on held-out pictures is the same for any number of ranks and any batches", "[tasks][fast]") {
  const TwoViews s;
  const auto losses = [&](int64_t world, int64_t batch_size) {
    auto ranks = MocoRanks::alike<TinyMoco>(world, tiny_moco()->config);
    ranks.run(s, {}, -1, batch_size);
    return ranks.val_losses.back();
  };
  const auto alone = losses(1, 7);
  REQUIRE(alone.size() == 3);
  CHECK(std::abs(alone[0] - alone[2]) > 1e-2);
  for (const auto& [world, batch_size] : std::vector<std::pair<int64_t, int64_t>>{{1, 24}, {2, 7}, {3, 7}, {3, 5}}) {
    INFO(world << " ranks, batches of " << batch_size);
    const auto found = losses(world, batch_size);
    REQUIRE(found.size() == alone.size());
    for (std::size_t epoch = 0; epoch < alone.size(); ++epoch) CHECK(found[epoch] == Approx(alone[epoch]).epsilon(1e-5));
  }
}

TEST_CASE("pretrain: keys of a step that is skipped do not enter MoCo's queue", "[tasks][fast]") {
  const TwoViews s;
  const std::vector<int64_t> first{0, 1, 2}, second{3, 4};
  const GivenBatches batches{{s.both.batch(first, {}), s.both.batch(second, {}), s.both.batch(second, {}), s.both.batch(first, {})}};
  auto model = tiny_moco();
  const auto untouched = model->queue.keys.clone();
  Spoilt task(model.ptr());
  task.spoilt_batch = 3;  // the last of the second step
  auto options = moco_options();
  options.epochs = 1;
  mgca::fit(task, batches, options);
  CHECK(model->queue.next.item<int64_t>() == 5);  // of the first step alone
  CHECK(torch::equal(model->queue.keys.slice(0, 5), untouched.slice(0, 5)));
  CHECK_FALSE(torch::equal(model->queue.keys.slice(0, 0, 5), untouched.slice(0, 0, 5)));
}

TEST_CASE("pretrain: a model gets what it asks for: labels, and no reports", "[tasks][fast]") {
  const TinyStudy s;
  torch::manual_seed(3);
  mgca::Supervised<mgca::Vit> model({.image = {.image_size = 32, .patch_size = 8, .width = 32, .depth = 1, .heads = 2, .mlp_ratio = 2},
                                     .classes = static_cast<int64_t>(s.studies.label_names().size())});
  const std::vector<int64_t> records{0, 1, 2, 3, 4, 5};
  auto batch = s.source.batch(records, {});
  batch.tokens = {};
  mgca::PretrainTask task(model.ptr());
  const auto result = task.training_step(batch);
  CHECK(result.loss.item<double>() == Approx(model->losses({.images = mgca::network_input(batch.images, torch::kCPU), .labels = batch.labels}).total().item<double>()));
  CHECK(result.metrics.front().name == "accuracy");
}

#include "catch.hpp"
#include "tiny_study.hpp"

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

#include "catch.hpp"
#include "vocabulary.hpp"

#include <mgca/align/mgca.hpp>
#include <mgca/data/synthetic.hpp>
#include <mgca/encoders/bert.hpp>
#include <mgca/encoders/vit.hpp>
#include <mgca/metrics/roc_auc.hpp>
#include <mgca/tasks.hpp>
#include <mgca/train.hpp>

namespace {

using Model = mgca::Mgca<mgca::Vit, mgca::Bert>;

Model tiny() {
  torch::manual_seed(3);
  return Model({.image = {.image_size = 32, .patch_size = 8, .width = 32, .depth = 2, .heads = 2, .mlp_ratio = 2},
                .text = {.length = 40, .width = 32, .depth = 1, .heads = 2, .intermediate = 64, .dropout = 0}, .head_hidden = 64, .embedding = 32, .prototypes = 8});
}

struct Setting {
  mgca::SyntheticStudies studies{{.count = 24, .seed = 4}};
  mgca::WordPiece tokenizer{mgca::test::bert_vocabulary(), {.length = 40}};
  mgca::StudySource<mgca::SyntheticStudies> source{studies, tokenizer, {.stored_side = 32, .augmentation = {.crop = 32, .random_crop = false}}};
};

}  // namespace

TEST_CASE("pretrain: a tiny model learns its own batch by heart", "[tasks][slow]") {
  const Setting s;
  auto model = tiny();
  mgca::PretrainTask task(model.ptr());
  const mgca::Loader<decltype(s.source)> batches(s.source, {.batch_size = 24, .threads = 0});
  mgca::FitOptions options;
  options.epochs = 60;
  options.schedule = {.rate = 2e-3, .warmup_fraction = 0.1};
  mgca::History history;
  const auto before = mgca::tasks::retrieve(mgca::tasks::embed(*model, s.source)).image_to_text.recall(1);
  mgca::fit(task, batches, options, history);
  CHECK(history.fell("loss"));
  CHECK(history.fell("loss_ita"));
  const auto after = mgca::tasks::retrieve(mgca::tasks::embed(*model, s.source)).image_to_text.recall(1);
  INFO("recall@1 " << before << " -> " << after);
  CHECK(after > before + 0.3);
}

TEST_CASE("retrieve: a gallery's rows are unit vectors in the data's order, and the mode is restored", "[tasks][fast]") {
  const Setting s;
  auto model = tiny();
  model->train();
  const auto gallery = mgca::tasks::embed(*model, s.source, 5);
  CHECK(model->is_training());
  CHECK(gallery.images.sizes() == at::IntArrayRef({24, 32}));
  CHECK(torch::allclose(gallery.images.norm(2, {1}), torch::ones({24}), 1e-4, 1e-4));
  CHECK(torch::allclose(gallery.reports, mgca::tasks::embed(*model, s.source, 24).reports, 1e-4, 1e-5));
}

TEST_CASE("classify: a probe on features that hold the answer finds it, unknown labels cost nothing", "[tasks][fast]") {
  torch::manual_seed(1);
  auto labels = torch::randint(0, 2, {200, 2}).to(torch::kFloat32);
  const mgca::FeatureTable table{.features = torch::cat({labels * 2 - 1 + 0.3 * torch::randn({200, 2}), torch::randn({200, 3})}, 1), .labels = labels};
  auto holes = table;
  holes.labels = labels.clone();
  holes.labels.slice(0, 0, 200, 3).fill_(mgca::kUnknownLabel);
  for (const auto& train : {table, holes}) {
    const auto probe = mgca::tasks::train_probe({.train = train, .valid = train}, {.epochs = 60, .rate = 1e-2});
    const auto scores = mgca::tasks::classify(probe, train);
    const auto result = mgca::metrics::macro_roc_auc(scores.table());
    CHECK(result.defined == 2);
    CHECK(*result.mean > 0.97);
  }
}

TEST_CASE("explain: one weight per patch and word, with their formulas", "[tasks][fast]") {
  const Setting s;
  auto model = tiny();
  const std::vector<int64_t> record{3};
  const auto batch = s.source.batch(record, {});
  const auto out = mgca::tasks::explain(*model, mgca::network_input(batch.images, torch::kCPU), batch.tokens);
  CHECK(out.regions.height() == 4);
  CHECK(out.words.size() == s.source.words(3, s.tokenizer.vocabulary()).size());
  for (const float weight : out.words) CHECK(weight >= 0);
  CHECK(std::abs(out.similarity) <= 1);
  CHECK_FALSE(out.region_formula.empty());
}

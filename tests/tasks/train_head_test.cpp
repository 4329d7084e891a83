#include "catch.hpp"
#include "expect_error.hpp"
#include "paths.hpp"

#include <mgca/data/synthetic.hpp>
#include <mgca/encoders/resnet.hpp>
#include <mgca/feed/labelled_source.hpp>
#include <mgca/heads/unet.hpp>
#include <mgca/tasks/classify.hpp>
#include <mgca/tasks/detect.hpp>
#include <mgca/tasks/segment.hpp>
#include <mgca/train/hooks/history.hpp>

using mgca::test::Scratch;

namespace {

// Ends a run at the n-th step or end of an epoch it sees, as a kill does: a resumed run has nothing but what is on disk.
struct Killed {};
struct Kill {
  int64_t nth = -1;
  int64_t passed = 0;
  void pass() {
    if (++passed == nth) throw Killed();
  }
  void after_step(const mgca::Progress& /*at*/) { pass(); }
  void after_epoch(const mgca::Progress& /*at*/, mgca::Values& /*values*/) { pass(); }
};

// `train(folder, kill)` makes everything anew and gives back what must be equal. Three epochs of two steps: killed in the first step after
// the first epoch, at the end of the second before its checkpoint, and in the first step of the third.
template <class Train>
std::string resumed(const Scratch& folder, const Train& train) {
  for (const int64_t nth : {4, 3, 2}) {
    Kill kill{.nth = nth};
    CHECK_THROWS_AS(train(folder.path(), kill), Killed);
  }
  Kill none;
  auto outcome = train(folder.path(), none);
  CHECK(none.passed == 2 + 1);  // what was done is not done again: the last epoch alone is left
  return outcome;
}
template <class Train>
void expect_resumable(const Train& train) {
  const Scratch at_once, in_pieces;
  Kill none;
  const auto expected = train(at_once.path(), none);
  CHECK(none.passed == 3 * (2 + 1));
  CHECK(resumed(in_pieces, train) == expected);
  Kill again;
  CHECK(train(in_pieces.path(), again) == expected);  // a finished run is not trained any more
  CHECK(again.passed == 0);
}

mgca::ResNetConfig tiny_tower() {
  return {.depth = mgca::ResNetDepth::resnet10, .stem = mgca::ResNetStem::small, .image_size = 64, .enlarged = 0, .width = 4};
}

// Every weight and statistic, and the values of each epoch.
std::string weights_and_history(const torch::nn::Module& module, const mgca::History& history) {
  std::string all = mgca::content_hash(mgca::state_dict(module));
  for (const auto& row : history.rows()) {
    for (const auto& [name, value] : row.values) all += " " + name + "=" + std::to_string(value);
  }
  return all;
}

const mgca::SyntheticStudies& sixteen() {
  static const mgca::SyntheticStudies studies({.count = 16, .seed = 6, .contrast = 120});
  return studies;
}

}  // namespace

TEST_CASE("train_head: a classifier and its tower, killed three times, end with the bytes of a run that was not", "[tasks][fast]") {
  using Source = mgca::LabelledSource<mgca::SyntheticStudies>;
  const Source source(sixteen(), {.stored_side = 64, .augmentation = {.rotate = 10, .crop = 64, .flip = 0.5}});
  const auto classes = static_cast<int64_t>(sixteen().label_names().size());
  expect_resumable([&](const std::filesystem::path& folder, Kill& kill) {
    mgca::ClassifyConfig config{.epochs = 3, .batch_size = 8, .rate = 1e-2, .threads = 0};
    config.run.folder = folder;
    torch::manual_seed(5);
    const auto tower = mgca::feature_tower(mgca::ResNet(tiny_tower()));
    mgca::ClassifyTask task(mgca::tasks::new_head(tower.width, classes, config), config.labels, {tower, mgca::Trained::all});
    mgca::History history;
    const auto outcome = mgca::tasks::train_classifier<Source, Source>(task, {source, source}, config, history, kill);
    return weights_and_history(task.module(), history) + " best " + std::to_string(outcome.best_epoch);
  });
}

TEST_CASE("train_head: a detector on a trained tower likewise, its best epoch chosen by precision", "[tasks][fast]") {
  using BoxSource = mgca::DetectionSource<mgca::SyntheticStudies>;
  const BoxSource boxes(sixteen(), {.side = 64});
  expect_resumable([&](const std::filesystem::path& folder, Kill& kill) {
    torch::manual_seed(7);
    const mgca::Detector detector({.image = tiny_tower(), .yolo = {.width = 16}});
    mgca::DetectConfig config{.tower = mgca::TowerUse::trained, .find = {.confidence = 0.05}, .epochs = 3, .batch_size = 8, .rate = 4e-3, .threads = 0};
    config.run.folder = folder;
    mgca::History history;
    (void)mgca::tasks::train_detector(detector, mgca::tasks::TrainingSplits<BoxSource>{boxes, boxes}, config, history, kill);
    return weights_and_history(*detector, history);
  });
}

TEST_CASE("train_head: a segmenter on a tower whose statistics drift likewise, masks turned by address", "[tasks][fast]") {
  using TurnedMasks = mgca::MaskSource<mgca::SyntheticStudies>;
  const TurnedMasks masks(sixteen(), {.side = 64});
  expect_resumable([&](const std::filesystem::path& folder, Kill& kill) {
    torch::manual_seed(3);
    const mgca::Unet<mgca::ResNet> net({.encoder = tiny_tower(), .widths = {16, 16, 8, 8, 8}});
    mgca::SegmentConfig config{.tower = mgca::TowerUse::frozen_drifting, .epochs = 3, .rate = 4e-3, .threads = 0};
    config.run.folder = folder;
    mgca::History history;
    (void)mgca::tasks::train_segmenter(net, mgca::tasks::TrainingSplits<TurnedMasks>{masks, masks}, config, history, kill);
    return weights_and_history(*net, history);
  });
}

TEST_CASE("train_head: patience and the best weights outlive a kill, and another recipe or start is refused by name", "[tasks][fast]") {
  torch::manual_seed(1);
  const auto labels = torch::randint(0, 2, {16, 2}).to(torch::kFloat32);
  const mgca::FeatureTable table{.features = torch::cat({labels * 2 - 1, torch::randn({16, 3})}, 1), .labels = labels};
  auto wrong = table;  // on it learning only hurts, so the first epoch is the best
  wrong.labels = 1 - labels;
  mgca::ClassifyConfig config{.epochs = 50, .batch_size = 8, .rate = 1e-2, .patience = 2, .threads = 0};
  const auto train = [&](const std::filesystem::path& folder, Kill& kill) {
    auto own = config;
    own.run.folder = folder;
    mgca::ClassifyTask task(mgca::tasks::new_head(5, 2, own), own.labels);
    const auto outcome = mgca::tasks::train_classifier<mgca::FeatureTable, mgca::FeatureTable>(task, {table, wrong}, own, kill);
    CHECK((outcome.best_epoch == 0 && outcome.epochs == 3));
    return mgca::content_hash(mgca::state_dict(task.module()));
  };
  expect_resumable(train);
  const Scratch folder;
  (void)resumed(folder, train);
  Kill none;
  config.patience = 3;
  config.threads = 1;  // changes no number
  mgca::test::expect_error([&] { (void)train(folder.path(), none); }, {"recipe.patience: the checkpoint has 2, this run 3"});
  config.patience = 2;
  CHECK_FALSE(train(folder.path(), none).empty());
  config.seed = 43;
  mgca::test::expect_error([&] { (void)train(folder.path(), none); }, {"start_weights", "recipe.seed: the checkpoint has 42, this run 43"});
}

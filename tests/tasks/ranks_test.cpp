// Heads trained and judged by several ranks: the same as by one process.
#include "catch.hpp"
#include "expect_error.hpp"
#include "team.hpp"

#include <mgca/data/synthetic.hpp>
#include <mgca/encoders/resnet.hpp>
#include <mgca/feed/labelled_source.hpp>
#include <mgca/heads/unet.hpp>
#include <mgca/tasks/classify.hpp>
#include <mgca/tasks/detect.hpp>
#include <mgca/tasks/segment.hpp>
#include <mgca/train/hooks/history.hpp>

#include <cmath>
#include <limits>
#include <memory>
#include <span>

#include <ATen/CPUGeneratorImpl.h>

using mgca::test::on_team;
using mgca::test::require;

namespace {

using RankedPictures = mgca::LabelledSource<mgca::SyntheticStudies>;
using RankedBoxes = mgca::DetectionSource<mgca::SyntheticStudies>;
using RankedMasks = mgca::MaskSource<mgca::SyntheticStudies>;

const mgca::SyntheticStudies& eighteen() {
  static const mgca::SyntheticStudies studies({.count = 18, .seed = 6, .contrast = 120});
  return studies;
}

// What a run ends with.
struct Ended {
  mgca::StateDict state;
  std::vector<mgca::HistoryRow> rows;
};

// The largest difference of two runs, of a weight or statistic in units of the largest, and of a mean of an epoch.
double difference(const Ended& a, const Ended& b) {
  double worst = a.state.size() == b.state.size() && a.rows.size() == b.rows.size() ? 0 : std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < a.state.size() && std::isfinite(worst); ++i) {
    const auto x = a.state[i].value.to(torch::kFloat64), y = b.state[i].value.to(torch::kFloat64);
    const auto found = (x - y).abs().max().item<double>() / std::max(1.0, x.abs().max().item<double>());
    if (!(found <= worst)) worst = found;  // which what is no number is not
  }
  for (std::size_t i = 0; i < a.rows.size() && std::isfinite(worst); ++i) {
    require(a.rows[i].values.size() == b.rows[i].values.size(), "names of means");
    for (const auto& [name, value] : a.rows[i].values) {
      const auto found = std::abs(value - b.rows[i].values.at(name));
      if (!(found <= worst)) worst = found;
    }
  }
  return worst;
}

// `train(ranks, history)` returns the module it has trained; ranks are threads, so all modules start from the same weights, whatever was drawn.
template <class Train>
void expect_as_alone(const Train& train, double tolerance) {
  const auto ended = [&](mgca::Ranks* ranks) {
    mgca::History history;
    const std::shared_ptr<torch::nn::Module> module = train(ranks, history);
    return Ended{mgca::state_dict(*module), history.rows()};
  };
  const auto alone = ended(nullptr);
  CHECK(alone.rows.size() == 3);
  for (const int64_t world : {2, 3}) {
    on_team(world, [&](mgca::Ranks& ranks) {
      const auto found = difference(alone, ended(&ranks));
      require(found <= tolerance, std::to_string(world) + " ranks differ by " + std::to_string(found * 1e6) + "e-6");
    });
  }
}

mgca::ResNetConfig ranked_tower() {
  return {.depth = mgca::ResNetDepth::resnet10, .stem = mgca::ResNetStem::small, .image_size = 64, .enlarged = 0, .width = 4};
}

// The same weights in every module: what threads draw together is in no order.
void start_alike(const torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  auto draws = at::detail::createCPUGenerator(7);
  for (const auto& parameter : module.parameters()) {
    if (parameter.dim() > 1) parameter.normal_(0, std::sqrt(2.0 * static_cast<double>(parameter.size(0)) / static_cast<double>(parameter.numel())), draws);
    else if (!parameter.eq(1).all().item<bool>()) parameter.zero_();  // all but the weights of norms
  }
}

mgca::FeatureTable labelled_features(mgca::LabelKind kind) {
  const auto number = torch::arange(33 * 5, torch::kFloat32).view({33, 5});
  const auto features = (number * 0.7).sin();
  auto labels = (number.slice(1, 0, 3) * 1.3).cos().gt(0).to(torch::kFloat32);
  if (kind == mgca::LabelKind::exclusive) labels = torch::eye(3).index_select(0, torch::arange(33).remainder(3));
  labels.masked_fill_((number.slice(1, 0, 3) * 2.1).sin().gt(kind == mgca::LabelKind::exclusive ? 0.9 : 0.2), std::nan(""));  // and many are unknown
  return {.features = features, .labels = labels};
}

}  // namespace

TEST_CASE("ranks: the mean of what each gets from unequal numbers of known labels is the loss of the joined batch, and so are the gradients", "[tasks][fast]") {
  for (const auto kind : {mgca::LabelKind::independent, mgca::LabelKind::exclusive}) {
    const auto table = labelled_features(kind);
    const auto whole = (table.features.slice(1, 0, 3).slice(0, 0, 24).to(torch::kFloat64) * 3).requires_grad_();
    const auto labels = table.labels.slice(0, 0, 24).to(torch::kFloat64);
    const auto expected = mgca::label_loss(whole, labels, kind);
    expected.backward();
    on_team(3, [&](mgca::Ranks& ranks) {
      const auto x = whole.detach().narrow(0, 8 * ranks.rank(), 8).clone().requires_grad_();
      const auto loss = mgca::label_loss(x, labels.narrow(0, 8 * ranks.rank(), 8), kind, &ranks.peers);
      loss.backward();
      auto mean = loss.detach() / 3;
      ranks.control.sum(mean);
      require(mean.allclose(expected, 1e-12), "loss");
      require((x.grad() / 3).allclose(whole.grad().narrow(0, 8 * ranks.rank(), 8), 1e-10, 1e-15), "gradient");
    });
  }
}

TEST_CASE("ranks: a classifier of labels of which many are unknown is trained as by one process, whichever rank holds those that are known", "[tasks][fast]") {
  for (const auto kind : {mgca::LabelKind::independent, mgca::LabelKind::exclusive}) {
    const auto table = labelled_features(kind);
    expect_as_alone([&](mgca::Ranks* ranks, mgca::History& history) {
      mgca::ClassifyConfig config{.epochs = 3, .batch_size = 12, .rate = 1e-2, .labels = kind, .threads = 0};
      config.run.ranks = ranks;
      mgca::LinearProbe head({.features = 5, .classes = 3});
      start_alike(*head);
      mgca::ClassifyTask task(head, kind);
      (void)mgca::tasks::train_classifier<mgca::FeatureTable, mgca::FeatureTable>(task, {table, table}, config, history);
      return head.ptr();
    }, 2e-6);
  }
}

TEST_CASE("ranks: a tower with batch norms is fine-tuned as by one process, its statistics being those of the whole batch", "[tasks][fast]") {
  const RankedPictures source(eighteen(), {.stored_side = 64, .augmentation = {.rotate = 10, .crop = 64, .flip = 0.5}});
  expect_as_alone([&](mgca::Ranks* ranks, mgca::History& history) {
    mgca::ClassifyConfig config{.epochs = 3, .batch_size = 6, .rate = 1e-3, .threads = 0};
    config.run.ranks = ranks;
    const mgca::ResNet net(ranked_tower());
    const auto tower = mgca::feature_tower(net);
    auto all = std::make_shared<torch::nn::Module>("Both");
    const mgca::LinearProbe head({.features = tower.width, .classes = static_cast<int64_t>(eighteen().label_names().size())});
    all->register_module("tower", net.ptr());
    all->register_module("head", head.ptr());
    start_alike(*all);
    mgca::ClassifyTask task(head, config.labels, {tower, mgca::Trained::all});
    (void)mgca::tasks::train_classifier<RankedPictures, RankedPictures>(task, {source, source}, config, history);
    return all;
  }, 1e-3);
}

TEST_CASE("ranks: a detector is trained as by one process, and the precision that chooses its best epoch is that of all images", "[tasks][fast]") {
  const RankedBoxes boxes(eighteen(), {.side = 64});
  expect_as_alone([&](mgca::Ranks* ranks, mgca::History& history) {
    mgca::DetectConfig config{.tower = mgca::TowerUse::trained, .find = {.confidence = 0.01}, .epochs = 3, .batch_size = 6, .rate = 1e-3, .threads = 0};
    config.run.ranks = ranks;
    const mgca::Detector detector({.image = ranked_tower(), .yolo = {.width = 16}});
    start_alike(*detector);
    (void)mgca::tasks::train_detector(detector, mgca::tasks::TrainingSplits<RankedBoxes>{boxes, boxes}, config, history);
    return detector.ptr();
  }, 1e-3);
}

TEST_CASE("ranks: a segmenter, whose loss is no mean over samples, is trained as by one process", "[tasks][fast]") {
  const RankedMasks masks(eighteen(), {.side = 64});
  for (const auto use : {mgca::TowerUse::frozen, mgca::TowerUse::frozen_drifting}) {
    expect_as_alone([&](mgca::Ranks* ranks, mgca::History& history) {
      mgca::SegmentConfig config{.tower = use, .epochs = 3, .batch_size = 6, .rate = 1e-3, .threads = 0};
      config.run.ranks = ranks;
      const mgca::Unet<mgca::ResNet> net({.encoder = ranked_tower(), .widths = {16, 16, 8, 8, 8}});
      start_alike(*net);
      (void)mgca::tasks::train_segmenter(net, mgca::tasks::TrainingSplits<RankedMasks>{masks, masks}, config, history);
      return net.ptr();
    }, 1e-3);
  }
}

TEST_CASE("ranks: features, logits, boxes and masks of a split are those of one process to the last bit, in its order, on all", "[tasks][fast]") {
  const RankedPictures pictures(eighteen(), {.stored_side = 64, .augmentation = {.crop = 64, .random_crop = false}});
  const RankedBoxes boxes(eighteen(), {.side = 64});
  const RankedMasks masks(eighteen(), {.side = 64, .augmentation = {.moved = 0}});
  const mgca::ResNet net(ranked_tower());
  const mgca::Detector detector({.image = ranked_tower(), .yolo = {.width = 16}});
  const mgca::Unet<mgca::ResNet> unet({.encoder = ranked_tower(), .widths = {16, 16, 8, 8, 8}});
  for (const auto& module : std::vector<std::shared_ptr<torch::nn::Module>>{net.ptr(), detector.ptr(), unet.ptr()}) module->eval();  // threads then change nothing in them
  const auto tower = mgca::feature_tower(net);
  mgca::ClassifyTask task(mgca::LinearProbe({.features = tower.width, .classes = static_cast<int64_t>(eighteen().label_names().size())}), mgca::LabelKind::independent, {tower, mgca::Trained::head});
  task.module().eval();
  const auto features = mgca::tasks::features(tower, pictures, 4);
  const auto scored = mgca::tasks::score(task, pictures, 4);
  const mgca::FindOptions sure{.confidence = 0.3};
  const auto found = mgca::tasks::detect(detector, boxes, sure, {.resamples = 20});
  const auto masked = mgca::tasks::segment(unet, masks, {.batch_size = 4, .bootstrap = {.resamples = 20}});
  std::size_t some = 0;
  for (const auto& image : found.images) some += image.found.size();
  CHECK(some > 0);
  for (const int64_t world : {2, 3, 6}) {  // of 5 batches; of detection's 2
    on_team(world, [&](mgca::Ranks& ranks) {
      const auto own = mgca::tasks::features(tower, pictures, 4, &ranks);
      require(own.features.equal(features.features) && own.labels.equal(features.labels) && own.records == features.records, "features");
      const auto logits = mgca::tasks::score(task, pictures, 4, &ranks);
      require(logits.records == scored.records && logits.scores.values == scored.scores.values, "logits");
      const auto report = mgca::tasks::detect(detector, boxes, sure, {.resamples = 20}, &ranks);
      require(report.records == found.records && report.map.estimate == found.map.estimate && report.coco_ap50.low == found.coco_ap50.low, "precision");
      for (std::size_t i = 0; i < found.images.size(); ++i) {
        require(report.images[i].truth == found.images[i].truth && report.images[i].found.size() == found.images[i].found.size(), "boxes");
        for (std::size_t k = 0; k < found.images[i].found.size(); ++k) require(report.images[i].found[k].score == found.images[i].found[k].score, "order of boxes");
      }
      const auto judged = mgca::tasks::segment(unet, masks, {.batch_size = 4, .bootstrap = {.resamples = 20}}, &ranks);
      require(judged.csv() == masked.csv() && judged.dice_over_batches == masked.dice_over_batches && judged.mean.dice.low == masked.mean.dice.low, "masks");
    });
  }
}

TEST_CASE("ranks: rows come together in the order of one process where records repeat and do not ascend, as replaced pictures do", "[tasks][fast]") {
  auto table = labelled_features(mgca::LabelKind::independent);
  for (int64_t i = 0; i < 33; ++i) table.records.push_back((i * 7) % 11);
  mgca::LinearProbe head({.features = 5, .classes = 3});
  mgca::ClassifyTask task(head, mgca::LabelKind::independent);
  head->eval();
  const auto alone = mgca::tasks::score(task, table, 4);
  CHECK(alone.records == table.records);
  on_team(2, [&](mgca::Ranks& ranks) {
    const auto shared = mgca::tasks::score(task, table, 4, &ranks);
    require(shared.records == alone.records && shared.scores.values == alone.scores.values && shared.scores.labels == alone.scores.labels, "order");
  });
}

TEST_CASE("ranks: pictures that cannot be read are counted over all of them", "[tasks][fast]") {
  struct Damaged {  // every tenth is
    using Batch = mgca::FeatureTable::Batch;
    mgca::FeatureTable table = labelled_features(mgca::LabelKind::independent);
    std::shared_ptr<mgca::BadSampleList> bad;
    [[nodiscard]] int64_t size() const { return table.size(); }
    [[nodiscard]] const mgca::BadSampleList& bad_samples() const { return *bad; }
    [[nodiscard]] Batch batch(std::span<const int64_t> places, mgca::RandomKey key) const {
      for (const auto i : places) {
        if (i % 10 == 0) bad->add(i, "row " + std::to_string(i));
      }
      return table.batch(places, key);
    }
  };
  on_team(2, [&](mgca::Ranks& ranks) {
    const auto pass = [&](double limit) {
      const Damaged source{.bad = std::make_shared<mgca::BadSampleList>(mgca::BadSampleRule{.policy = mgca::BadSamples::replace, .limit = limit}, 33)};
      mgca::tasks::detail::for_each_batch(source, 4, &ranks, [](const auto&) {});
      require(source.bad->count() <= 3, "each finds some");
    };
    pass(0.13);
    mgca::test::require_error([&] { pass(0.1); }, {"4 of 33 pictures cannot be read, more than the limit of 10 %", "row 0"});
  });
}

TEST_CASE("ranks: a split smaller than a batch is one batch of what divides among them; what does not divide at all is refused", "[tasks][fast]") {
  const auto table = labelled_features(mgca::LabelKind::independent);
  const mgca::FeatureTable few{.features = table.features.slice(0, 0, 11), .labels = table.labels.slice(0, 0, 11)};
  const auto train = [&](mgca::Ranks& ranks, const mgca::FeatureTable& split, int64_t batch_size) {
    mgca::ClassifyConfig config{.epochs = 2, .batch_size = batch_size, .rate = 1e-2, .threads = 0};
    config.run.ranks = &ranks;
    mgca::LinearProbe head({.features = 5, .classes = 3});
    start_alike(*head);
    mgca::ClassifyTask task(head, mgca::LabelKind::independent);
    return mgca::tasks::train_head(task, mgca::tasks::TrainingSplits<mgca::FeatureTable>{split, table}, config, {.held_out_batch = 8});
  };
  on_team(2, [&](mgca::Ranks& ranks) {
    require(train(ranks, few, 16).fit.progress.step == 2, "a step an epoch");
    const mgca::FeatureTable one{.features = few.features.slice(0, 0, 1), .labels = few.labels.slice(0, 0, 1)};
    mgca::test::require_error([&] { (void)train(ranks, one, 16); }, {"1 records cannot be divided among 2 ranks"});
    mgca::test::require_error([&] { (void)train(ranks, table, 9); }, {"a batch_size of 9 does not divide among 2 ranks; use 10"});
  });
}

TEST_CASE("ranks: a recipe or start weights of their own are refused on all, and so is a source that makes batches smaller", "[tasks][fast]") {
  const RankedPictures skipping(eighteen(), {.stored_side = 64, .augmentation = {.crop = 64}, .bad = {.policy = mgca::BadSamples::skip}});
  const auto table = labelled_features(mgca::LabelKind::independent);
  on_team(2, [&](mgca::Ranks& ranks) {
    mgca::ClassifyConfig config{.epochs = 1, .batch_size = 8, .rate = 1e-2, .threads = 0};
    config.run.ranks = &ranks;
    mgca::LinearProbe head({.features = 5, .classes = 3});
    start_alike(*head);
    const torch::NoGradGuard no_grad;
    if (ranks.rank() == 1) config.patience = 3, head->parameters()[0].add_(1);
    mgca::ClassifyTask task(head, config.labels);
    mgca::test::require_error([&] { (void)mgca::tasks::train_classifier<mgca::FeatureTable, mgca::FeatureTable>(task, {table, table}, config); },
                              {"recipe.patience: rank 1 has 3, rank 0 10", "start_weights: rank 1 has"});
    const auto tower = mgca::feature_tower(mgca::ResNet(ranked_tower()));
    mgca::ClassifyTask on_pictures(mgca::LinearProbe({.features = tower.width, .classes = 3}), config.labels, {tower, mgca::Trained::head});
    mgca::test::require_error([&] { (void)mgca::tasks::train_classifier<RankedPictures, RankedPictures>(on_pictures, {skipping, skipping}, config); },
                              {"bad.policy is skip", "take replace or fail"});
  });
}

#include "catch.hpp"
#include "expect_error.hpp"

#include <mgca/data/synthetic.hpp>
#include <mgca/encoders/resnet.hpp>
#include <mgca/feed/labelled_source.hpp>
#include <mgca/metrics/roc_auc.hpp>
#include <mgca/tasks/classify.hpp>

namespace {

// Two labels hidden in five features.
mgca::FeatureTable separable(int64_t rows) {
  torch::manual_seed(1);
  const auto labels = torch::randint(0, 2, {rows, 2}).to(torch::kFloat32);
  return {.features = torch::cat({labels * 2 - 1 + 0.3 * torch::randn({rows, 2}), torch::randn({rows, 3})}, 1), .labels = labels};
}

}  // namespace

TEST_CASE("classify: a probe on features that hold the answer finds it, unknown labels cost nothing", "[tasks][fast]") {
  const auto table = separable(200);
  auto holes = table;
  holes.labels = table.labels.clone();
  holes.labels.slice(0, 0, 200, 3).fill_(mgca::kUnknownLabel);
  for (const auto& train : {table, holes}) {
    const auto probe = mgca::tasks::train_probe({.train = train, .valid = train}, {.epochs = 60, .rate = 1e-2});
    const auto scores = mgca::tasks::classify(probe, train);
    const auto result = mgca::metrics::macro_roc_auc(scores.table());
    CHECK(result.defined == 2);
    CHECK(*result.mean > 0.97);
  }
}

TEST_CASE("classify: an unknown label has no part in the loss or its gradient", "[tasks][fast]") {
  torch::manual_seed(2);
  mgca::LinearProbe probe({.features = 3, .classes = 2});
  mgca::ClassifyTask task(probe, mgca::LabelKind::independent);
  const auto features = torch::randn({4, 3});
  auto labels = torch::tensor({{1.F, 0.F}, {0.F, 1.F}, {1.F, 1.F}, {0.F, 0.F}});
  const auto gradient = [&](const mgca::Tensor& x, const mgca::Tensor& y) {
    probe->zero_grad();
    const auto result = task.training_step(mgca::FeatureTable::Batch{x, y, {}});
    result.loss.backward();
    return std::pair(result.loss.item<double>(), probe->parameters()[0].grad().clone());
  };
  const auto two = gradient(features.slice(0, 0, 2), labels.slice(0, 0, 2));
  labels.slice(0, 2).fill_(mgca::kUnknownLabel);
  const auto half_known = gradient(features, labels);
  CHECK(half_known.first == Approx(two.first));
  CHECK(torch::allclose(half_known.second, two.second));
  const auto unknown = gradient(features, torch::full({4, 2}, mgca::kUnknownLabel));
  CHECK(unknown.first == 0);
  CHECK(unknown.second.abs().max().item<float>() == 0);
}

TEST_CASE("classify: the weights handed back are those of the best epoch, the same for the same seed", "[tasks][fast]") {
  const auto train = separable(96);
  auto wrong = train;  // a validation split on which learning only hurts
  wrong.labels = 1 - train.labels;
  const mgca::ClassifyConfig config{.epochs = 12, .rate = 1e-2, .patience = 100};
  const auto loss = [&](const mgca::LinearProbe& probe) {
    const torch::NoGradGuard no_grad;
    return torch::binary_cross_entropy_with_logits(mgca::LinearProbe(probe)(wrong.features), wrong.labels).item<double>();
  };
  const auto best = mgca::tasks::train_probe({.train = train, .valid = wrong}, config);
  const auto again = mgca::tasks::train_probe({.train = train, .valid = wrong}, config);
  const auto first_epoch = mgca::tasks::train_probe({.train = train, .valid = wrong}, {.epochs = 1, .rate = 1e-2});
  CHECK(loss(best) == Approx(loss(first_epoch)));
  CHECK(torch::equal(best->parameters()[0], again->parameters()[0]));
}

TEST_CASE("classify: exclusive classes are learned by cross-entropy, a row with an unknown class costs nothing", "[tasks][fast]") {
  torch::manual_seed(1);
  const auto classes = torch::randint(0, 3, {150});
  mgca::FeatureTable table{.features = torch::one_hot(classes, 3).to(torch::kFloat32) * 2 + 0.4 * torch::randn({150, 3}),
                           .labels = torch::one_hot(classes, 3).to(torch::kFloat32), .records = {}};
  const auto logits = torch::randn({150, 3});
  const auto expected = torch::nll_loss(torch::log_softmax(logits, 1).slice(0, 1), classes.slice(0, 1)).item<double>();
  auto holes = table.labels.clone();
  holes[0][1] = mgca::kUnknownLabel;
  CHECK(mgca::label_loss(logits, holes, mgca::LabelKind::exclusive).item<double>() == Approx(expected));
  const auto probe = mgca::tasks::train_probe({.train = table, .valid = table}, {.epochs = 40, .rate = 1e-2, .labels = mgca::LabelKind::exclusive});
  const auto scores = mgca::tasks::classify(probe, table);
  const auto result = mgca::metrics::classification(scores.table(), {.kind = mgca::LabelKind::exclusive, .bootstrap = {.resamples = 20}});
  CHECK(*result.accuracy.estimate > 0.95);
}

TEST_CASE("classify: a probe on pictures is the probe on their stored features, and leaves the tower alone, running statistics too", "[tasks][fast]") {
  const mgca::SyntheticStudies studies({.count = 24, .seed = 4});
  const mgca::LabelledSource<mgca::SyntheticStudies> source(studies, {.stored_side = 32, .augmentation = {.crop = 32, .random_crop = false}});
  torch::manual_seed(5);
  const auto tower = mgca::feature_tower(mgca::ResNet({.depth = mgca::ResNetDepth::resnet18, .image_size = 32, .enlarged = 0, .width = 4}));
  const auto classes = static_cast<int64_t>(studies.label_names().size());
  const auto before = [&] {
    mgca::StateDict copy;
    for (const auto& [name, value] : mgca::state_dict(*tower.module)) copy.push_back({name, value.detach().clone()});
    return copy;
  }();
  const mgca::ClassifyConfig config{.epochs = 3, .batch_size = 8, .rate = 1e-2};
  const auto table = mgca::tasks::features(tower, source, 7);
  mgca::ClassifyOutcome on_features;
  const auto stored = mgca::tasks::train_probe({.train = table, .valid = table}, config, &on_features);
  mgca::ClassifyTask task(mgca::tasks::new_head(tower.width, classes, config), config.labels, {tower, mgca::Trained::head});
  using Source = mgca::LabelledSource<mgca::SyntheticStudies>;
  const auto on_pictures = mgca::tasks::train_classifier<Source, Source>(task, {source, source}, config);
  CHECK(on_pictures.valid_loss == Approx(on_features.valid_loss).epsilon(1e-4));
  CHECK(on_pictures.best_epoch == on_features.best_epoch);
  CHECK(torch::allclose(task.head()->parameters()[0], stored->parameters()[0], 1e-3, 1e-5));
  const auto scored = mgca::tasks::score(task, source, 5);
  CHECK(scored.records.size() == 24);
  CHECK(scored.scores.values[3] == Approx(mgca::tasks::classify(stored, table).values[3]).epsilon(1e-3).margin(1e-4));
  const auto same = [&] {
    const auto after = mgca::state_dict(*tower.module);
    for (std::size_t i = 0; i < after.size(); ++i) {
      if (!torch::equal(after[i].value, before[i].value)) return false;
    }
    return true;
  };
  CHECK(same());

  mgca::ClassifyTask tuned(mgca::tasks::new_head(tower.width, classes, config), config.labels, {tower, mgca::Trained::all});
  const auto outcome = mgca::tasks::train_classifier<Source, Source>(tuned, {source, source}, {.epochs = 1, .batch_size = 8});
  CHECK(outcome.epochs == 1);
  CHECK(outcome.best_epoch == 0);
  CHECK_FALSE(same());
  CHECK_FALSE(tower.module->is_training());
}

TEST_CASE("classify: splits that do not fit each other are refused with their shapes", "[tasks][fast]") {
  const auto good = separable(10);
  const mgca::FeatureTable empty{.features = torch::zeros({0, 5}), .labels = torch::zeros({0, 2})};
  const mgca::FeatureTable other{.features = torch::zeros({10, 5}), .labels = torch::zeros({10, 3})};
  const mgca::FeatureTable short_labels{.features = torch::zeros({10, 5}), .labels = torch::zeros({9, 2})};
  mgca::test::expect_error([&] { (void)mgca::tasks::train_probe({.train = empty, .valid = good}, {}); }, {"training split", "[0, 5]"});
  mgca::test::expect_error([&] { (void)mgca::tasks::train_probe({.train = good, .valid = empty}, {}); }, {"validation split", "[0, 5]"});
  mgca::test::expect_error([&] { (void)mgca::tasks::train_probe({.train = good, .valid = other}, {}); }, {"validation split", "[10, 3]", "same classes"});
  mgca::test::expect_error([&] { (void)mgca::tasks::train_probe({.train = short_labels, .valid = good}, {}); }, {"training split", "[9, 2]"});
}

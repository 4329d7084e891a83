#include "catch.hpp"
#include "expect_error.hpp"
#include "tiny_study.hpp"

#include <mgca/metrics/roc_auc.hpp>
#include <mgca/tasks/classify.hpp>

using mgca::test::tiny_model;
using mgca::test::TinyStudy;

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
  mgca::ProbeTask task(probe);
  const auto features = torch::randn({4, 3});
  auto labels = torch::tensor({{1.F, 0.F}, {0.F, 1.F}, {1.F, 1.F}, {0.F, 0.F}});
  const auto gradient = [&](const mgca::Tensor& x, const mgca::Tensor& y) {
    probe->zero_grad();
    const auto result = task.training_step({x, y});
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
  const mgca::ProbeConfig config{.epochs = 12, .rate = 1e-2, .patience = 100};
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

TEST_CASE("classify: features are the image tower's own, in the data's order, and the mode is restored", "[tasks][fast]") {
  const TinyStudy s;
  auto model = tiny_model();
  model->train();
  const auto table = mgca::tasks::features(*model, s.source, 7);
  CHECK(model->is_training());
  CHECK(table.features.sizes() == at::IntArrayRef({24, model->image_width()}));
  CHECK_FALSE(table.features.requires_grad());
  for (const int64_t i : {0, 13, 23}) CHECK(table.labels[i][2].item<float>() == s.studies.record(i).labels[2]);
  CHECK(torch::allclose(table.features, mgca::tasks::features(*model, s.source, 24).features, 1e-4, 1e-5));
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

#include "expect_error.hpp"
#include "host_reads.hpp"
#include "tiny_encoders.hpp"

#include <mgca/align/supervised.hpp>
#include <mgca/core/config.hpp>

#include <limits>

using TinySupervised = mgca::Supervised<mgca::test::TinyImage>;

TEST_CASE("supervised: unknown labels cost nothing, known ones their cross-entropy; every parameter learns and nothing waits", "[align][fast]") {
  torch::manual_seed(3);
  TinySupervised model({.classes = 3});
  CHECK((model->needs().labels && model->needs().views == 1));
  const float unknown = std::numeric_limits<float>::quiet_NaN();
  const mgca::AlignmentInput batch{.images = torch::randn({2, 3, 8, 8}), .labels = torch::tensor({{1.F, 0.F, unknown}, {unknown, 1.F, unknown}})};
  mgca::AlignmentLosses losses;
  {
    const mgca::test::HostReads watch;
    losses = model->losses(batch);
    losses.total().backward();
    CHECK(mgca::test::HostReads::reads() == std::multiset<std::string>{});
  }
  const auto logits = model->classifier(model->image_features(batch.images)).detach().to(torch::kFloat64);
  const auto z = [&](int64_t row, int64_t column) { return logits[row][column].item<double>(); };
  CHECK(losses.total().item<double>() == Approx((std::log1p(std::exp(-z(0, 0))) + std::log1p(std::exp(z(0, 1))) + std::log1p(std::exp(-z(1, 1)))) / 3));
  CHECK(losses.metrics[0].value.item<float>() == Approx(((z(0, 0) > 0) + (z(0, 1) <= 0) + (z(1, 1) > 0)) / 3.0));
  for (const auto& item : model->named_parameters()) {
    INFO(item.key());
    CHECK(item.value().grad().isfinite().all().item<bool>());
    CHECK(item.value().grad().abs().max().item<float>() > 0);
  }
  CHECK(model->classifier->weight.grad()[2].abs().max().item<float>() == 0);  // nobody knows the third class
}

TEST_CASE("supervised: a batch without a known label costs nothing; labels that do not fit are refused", "[align][fast]") {
  TinySupervised model({.classes = 2});
  const auto images = torch::randn({2, 3, 8, 8});
  CHECK(model->losses({.images = images, .labels = torch::full({2, 2}, std::nan(""))}).total().item<double>() == 0);
  mgca::test::expect_error([&] { (void)model->losses({.images = images}); }, {"labels (B, 2)", "set classes"});
  mgca::test::expect_error([&] { (void)model->losses({.images = images, .labels = torch::zeros({2, 3})}); }, {"labels (B, 2)", "[2, 3]"});
  mgca::test::expect_error([] { TinySupervised({.classes = 0}); }, {"at least one class", "0"});
  const TinySupervised::Config config{.classes = 5};
  CHECK(mgca::differences(mgca::from_json_text<TinySupervised::Config>(mgca::to_json_text(config), "config"), config).empty());
}

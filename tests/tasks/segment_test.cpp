#include "catch.hpp"
#include "expect_error.hpp"
#include "host_reads.hpp"

#include <mgca/data/synthetic.hpp>
#include <mgca/encoders/resnet.hpp>
#include <mgca/encoders/vit.hpp>
#include <mgca/heads/setr.hpp>
#include <mgca/heads/unet.hpp>
#include <mgca/tasks/segment.hpp>

using mgca::MaskSource;
using mgca::SyntheticStudies;
using mgca::TowerUse;
using SmallUnet = mgca::Unet<mgca::ResNet>;

namespace {

SmallUnet small_unet() {
  torch::manual_seed(3);
  return SmallUnet(
      {.encoder = {.depth = mgca::ResNetDepth::resnet10, .stem = mgca::ResNetStem::small, .image_size = 64, .enlarged = 0, .width = 8},
       .widths = {32, 24, 16, 16, 8}});
}

struct MaskedStudies {
  SyntheticStudies studies{{.count = 64, .seed = 8, .image_size = 64, .contrast = 120}},
      others{{.count = 24, .seed = 9, .image_size = 64, .contrast = 120}};
  MaskSource<SyntheticStudies> train{studies, {.side = 64}}, test{others, {.side = 64, .augmentation = {.moved = 0}}};
};

std::vector<mgca::Tensor> copies(const torch::nn::Module& module, bool buffers) {
  std::vector<mgca::Tensor> all;
  for (const auto& one : buffers ? module.buffers() : module.parameters()) all.push_back(one.detach().clone());
  return all;
}
bool same_tensors(const std::vector<mgca::Tensor>& a, const std::vector<mgca::Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) { return torch::equal(x, y); });
}

}  // namespace

TEST_CASE("segment: a small tower with a U-Net learns masks whose answer is known, with intervals apart from those before",
          "[tasks][slow]") {
  const MaskedStudies splits;
  auto net = small_unet();
  const auto before = mgca::tasks::segment(net, splits.test, {.bootstrap = {.resamples = 200}});
  const auto end = mgca::tasks::train_segmenter(net, mgca::tasks::TrainingSplits<MaskSource<SyntheticStudies>>{splits.train, splits.test},
                                                {.tower = TowerUse::trained, .epochs = 5, .rate = 4e-3, .threads = 0});
  CHECK(end.progress.epoch == 5);
  const auto after = mgca::tasks::segment(net, splits.test, {.bootstrap = {.resamples = 200}});
  INFO("Dice before " << *before.mean.dice.estimate << ", after " << *after.mean.dice.estimate);
  CHECK(*after.mean.dice.low > *before.mean.dice.high);
  CHECK(*after.mean.dice.estimate > 0.5);
  CHECK(after.images.size() == 24);
  double sum = 0;
  for (const auto& one : after.images) sum += one.score.dice;
  CHECK(*after.mean.dice.estimate == Approx(sum / 24));
  CHECK(after.dice_over_batches == Approx(sum / 24));
  const auto csv = after.csv();
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 25);
  CHECK(std::count(csv.begin(), csv.end(), ',') == 25 * 6);
  const auto figures = mgca::tasks::best_and_worst(net, splits.test, after, 2);
  CHECK(figures.size() == 4);
  CHECK(figures.front().caption >= figures.back().caption);
}

TEST_CASE("segment: a frozen tower keeps its weights and statistics, a drifting one its weights, a trained one neither", "[tasks][fast]") {
  const MaskedStudies splits;
  const std::vector<int64_t> some{0, 1, 2, 3};
  const auto batch = splits.train.batch(some, {.seed = 1});
  for (const auto use : {TowerUse::frozen, TowerUse::frozen_drifting, TowerUse::trained}) {
    auto net = small_unet();
    mgca::SegmentTask<SmallUnet> task(net, {.tower = use});
    net->train();
    const auto weights = copies(net->tower(), false), statistics = copies(net->tower(), true), decoder = copies(*net->decoder, false);
    mgca::AdamW optimizer(*net, {});
    task.training_step(batch).loss.backward();
    optimizer.step(1e-2);
    CHECK(same_tensors(copies(net->tower(), false), weights) == (use != TowerUse::trained));
    CHECK(same_tensors(copies(net->tower(), true), statistics) == (use == TowerUse::frozen));
    CHECK_FALSE(same_tensors(copies(*net->decoder, false), decoder));
  }
}

TEST_CASE("segment: SETR takes the same steps on a transformer; neither step waits for the device", "[tasks][fast]") {
  const MaskedStudies splits;
  const std::vector<int64_t> some{0, 1, 2, 3};
  const auto batch = splits.train.batch(some, {.seed = 1});
  torch::manual_seed(5);
  const auto reads = [&](auto net) {
    mgca::SegmentTask<decltype(net)> task(net, {});
    const mgca::test::HostReads count;
    task.training_step(batch).loss.backward();
    return mgca::test::HostReads::reads();
  };
  mgca::Setr<mgca::Vit> setr(
      {.encoder = {.image_size = 64, .patch_size = 16, .width = 16, .depth = 1, .heads = 2}, .features = {8, 8, 8, 8}});
  CHECK(reads(setr).empty());
  CHECK(reads(small_unet()).empty());
  CHECK_FALSE(setr->tower().parameters().front().grad().defined());
}

TEST_CASE("segment: what the mask says of undecided pixels changes neither loss nor Dice, IoU or outline distance", "[tasks][fast]") {
  struct Undecided {
    SyntheticStudies of{{.count = 2, .seed = 2, .image_size = 64}};
    std::vector<mgca::Study> studies{of.record(0), of.record(1)};
    explicit Undecided(bool marked) {
      mgca::GreyImage band({.height = 64, .width = 64});
      for (int64_t y = 20; y < 34; ++y) std::fill_n(band.plane().row(y).begin(), 64, uint8_t{1});
      for (auto& study : studies) {
        study.undecided = mgca::image::mask_of(std::as_const(band).plane());
        auto mask = mgca::image::painted(*study.mask, 1);
        for (int64_t y = 20; y < 34; ++y) std::fill_n(mask.plane().row(y).begin(), 64, marked ? uint8_t{1} : uint8_t{0});
        study.mask = mgca::image::mask_of(std::as_const(mask).plane());
      }
    }
    [[nodiscard]] int64_t size() const { return 2; }
    [[nodiscard]] const mgca::Study& record(int64_t i) const { return studies[static_cast<std::size_t>(i)]; }
    [[nodiscard]] mgca::GreyImage image(int64_t i) const { return of.image(i); }
    [[nodiscard]] const std::vector<std::string>& label_names() const { return of.label_names(); }
  };
  const auto seen = [](const Undecided& data) {
    const MaskSource<Undecided> source(data, {.side = 64});
    auto net = small_unet();
    std::vector<double> all;
    for (const auto& one : mgca::tasks::segment(net, source, {.threshold = 0.4, .bootstrap = {.resamples = 10}}).images)
      all.insert(all.end(), {one.score.dice, one.score.iou, one.score.hausdorff95.value_or(-1), static_cast<double>(one.score.predicted)});
    mgca::SegmentTask<SmallUnet> task(net, {});
    all.push_back(task.evaluation_step(source.batch(std::vector<int64_t>{0, 1}, {.seed = 1})).loss.item<double>());
    return all;
  };
  const Undecided marked(true);
  auto decided = marked;
  for (auto& study : decided.studies) study.undecided.reset();
  const auto found = seen(marked);
  CHECK(found == seen(Undecided(false)));
  CHECK(found[0] > 0);
  CHECK(found[0] != seen(decided)[0]);
}

TEST_CASE("segment: images of one patient are drawn together, images without outlines are counted", "[tasks][fast]") {
  struct OnePatient {
    SyntheticStudies of{{.count = 6, .seed = 2, .image_size = 64}};
    std::vector<mgca::Study> studies;
    OnePatient() {
      for (int64_t i = 0; i < 6; ++i) studies.push_back(of.record(i)), studies.back().patient = "one";
      studies[5].mask->runs.clear();
    }
    [[nodiscard]] int64_t size() const { return of.size(); }
    [[nodiscard]] const mgca::Study& record(int64_t i) const { return studies[static_cast<std::size_t>(i)]; }
    [[nodiscard]] mgca::GreyImage image(int64_t i) const { return of.image(i); }
    [[nodiscard]] const std::vector<std::string>& label_names() const { return of.label_names(); }
  };
  const OnePatient data;
  const MaskSource<OnePatient> source(data, {.side = 64});
  const auto found = mgca::tasks::segment(small_unet(), source, {.batch_size = 4, .bootstrap = {.resamples = 50}});
  CHECK(found.images.size() == 6);
  CHECK(found.mean.without_distance >= 1);
  CHECK(found.images[5].score.truth == 0);
  CHECK(found.mean.dice.low == found.mean.dice.high);  // every draw is the one patient
  const MaskSource<SyntheticStudies> own(data.of, {.side = 64});
  const auto six = mgca::tasks::segment(small_unet(), own, {.batch_size = 4, .bootstrap = {.resamples = 50}});
  CHECK(six.mean.dice.low < six.mean.dice.high);
  mgca::test::expect_error([&] { (void)mgca::tasks::segment(small_unet(), source, {.threshold = 1}); }, {"threshold", "1"});
}

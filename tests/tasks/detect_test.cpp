#include "catch.hpp"
#include "host_reads.hpp"

#include <mgca/core/config.hpp>
#include <mgca/data/synthetic.hpp>
#include <mgca/tasks/detect.hpp>
#include <mgca/train/hooks/history.hpp>

namespace {

// Stem and stages of strides 2 to 16: grids of 4, 8 and 16 cells at 64 pixels.
mgca::Detector tiny_detector() {
  torch::manual_seed(7);
  return mgca::Detector({.image = {.depth = mgca::ResNetDepth::resnet10, .stem = mgca::ResNetStem::small, .image_size = 64, .enlarged = 0, .width = 8},
                         .yolo = {.width = 32, .anchors = {60, 60, 90, 90, 130, 130, 60, 60, 90, 90, 130, 130, 60, 60, 90, 90, 130, 130}}});
}

using Boxes = mgca::DetectionSource<mgca::SyntheticStudies>;

struct BoxStudies {
  mgca::SyntheticStudies train{{.count = 64, .seed = 1, .contrast = 160}}, test{{.count = 24, .seed = 2, .contrast = 160}};
  Boxes source{train, {.side = 64}}, held_out{test, {.side = 64}};
};

}  // namespace

TEST_CASE("detect: the published recipe is written and read whole", "[tasks][fast]") {
  const auto published = mgca::published_detection();
  const auto again = mgca::from_json_text<mgca::DetectConfig>(mgca::to_json_text(published), "results.json");
  CHECK(mgca::differences(published, again).empty());
  CHECK(mgca::differences(published, {}).size() == 3);  // tower, arithmetic, images
}

TEST_CASE("detect: a tower and a YOLOv3 learn to find synthetic findings on unseen images", "[tasks][fast]") {
  const BoxStudies studies;
  auto detector = tiny_detector();
  const mgca::FindOptions find{.confidence = 0.05};
  const mgca::BootstrapOptions few{.resamples = 50, .threads = 1};
  const auto before = mgca::tasks::detect(detector, studies.held_out, find, few);
  mgca::History history;
  (void)mgca::tasks::train_detector(detector, mgca::tasks::TrainingSplits<Boxes>{studies.source, studies.held_out},
                                    {.tower = mgca::TowerUse::trained, .find = find, .epochs = 12, .batch_size = 8, .rate = 4e-3, .threads = 0}, history);
  const auto after = mgca::tasks::detect(detector, studies.held_out, find, few);
  const auto first = history.rows().front().values, last = history.rows().back().values;
  INFO("loss " << first.at("val_loss") << " to " << last.at("val_loss") << ", AP50 " << before.coco_ap50.estimate.value() << " to "
               << after.coco_ap50.estimate.value() << ", sensitivity at 8 " << after.sensitivity.back().estimate.value());
  CHECK(last.at("loss") < 0.8 * first.at("loss"));
  CHECK(before.coco_ap50.estimate.value() < 0.05);
  CHECK(after.coco_ap50.estimate.value() > before.coco_ap50.estimate.value() + 0.1);
  CHECK(after.coco_ap50.low.value() > before.coco_ap50.high.value());
  CHECK(after.sensitivity.size() == 7);
  CHECK(after.images.size() == 24);
  CHECK_FALSE(detector->is_training());
  const auto picture = mgca::tasks::drawn(studies.held_out.picture(0), after.images[0]);
  CHECK(picture.channels() == 3);
}

TEST_CASE("detect: a frozen tower keeps weights and statistics, as published its statistics drift, and no step reads the device", "[tasks][fast]") {
  const BoxStudies studies;
  const std::vector<int64_t> records{0, 1, 2, 3};
  for (const auto use : {mgca::TowerUse::frozen, mgca::TowerUse::frozen_drifting, mgca::TowerUse::trained}) {
    INFO(to_string(use));
    auto detector = tiny_detector();
    mgca::DetectTask task(detector, {.tower = use});
    detector->train();
    const auto mean = detector->tower->named_buffers()["bn1.running_mean"].clone();
    const auto batch = studies.source.batch(records, {});
    {
      const mgca::test::HostReads watching;
      task.training_step(batch).loss.backward();
      CHECK(watching.reads().empty());
    }
    CHECK(torch::equal(mean, detector->tower->named_buffers()["bn1.running_mean"]) == (use == mgca::TowerUse::frozen));
    CHECK(detector->tower->named_parameters()["conv1.weight"].grad().defined() == (use == mgca::TowerUse::trained));
    CHECK(detector->yolo->embedding2->conv_out->weight.grad().defined());
  }
}

TEST_CASE("detect: boxes come above the confidence, suppressed, and validation scores every image once", "[tasks][fast]") {
  const auto boxes = torch::tensor({{{10.0F, 10.0F, 8.0F, 8.0F, 0.9F, 0.5F}, {10.5F, 10.0F, 8.0F, 8.0F, 0.8F, 0.5F}, {30.0F, 30.0F, 8.0F, 8.0F, 0.4F, 0.5F}}});
  const auto found = mgca::tasks::found_boxes(boxes, {});
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].size() == 1);
  CHECK(found[0][0].box == mgca::Box{6, 6, 14, 14});
  CHECK(mgca::tasks::found_boxes(boxes, {.confidence = 0.3})[0].size() == 2);
  mgca::DetectTask task(tiny_detector(), mgca::published_detection());
  mgca::Values values;
  task.after_epoch({}, values);
  CHECK(values.at("val_map") == 0);
}

// Detection: a small residual tower and a YOLOv3 learn where findings lie on synthetic radiographs; measures with intervals on unseen
// ones, and a picture of what was found beside the truth.
#include <mgca/data/synthetic.hpp>
#include <mgca/io/image_file.hpp>
#include <mgca/tasks/detect.hpp>

#include <iostream>

int main() {
  const mgca::SyntheticStudies train({.count = 64, .seed = 1, .contrast = 160}), test({.count = 32, .seed = 2, .contrast = 160});
  const mgca::DetectionSource<mgca::SyntheticStudies> seen(train, {.side = 64}), unseen(test, {.side = 64});

  torch::manual_seed(1);
  // On a tower with weights: std::make_shared<mgca::DetectorImpl>(std::get<mgca::ResNet>(mgca::read_image_tower(path).tower), head)
  mgca::Detector detector({.image = {.depth = mgca::ResNetDepth::resnet10, .stem = mgca::ResNetStem::small, .image_size = 64, .enlarged = 0, .width = 8},
                           .yolo = {.width = 32, .anchors = {60, 60, 90, 90, 130, 130, 60, 60, 90, 90, 130, 130, 60, 60, 90, 90, 130, 130}}});
  const mgca::FindOptions find{.confidence = 0.05};
  const auto before = mgca::tasks::detect(detector, unseen, find);
  mgca::tasks::train_detector(detector, mgca::tasks::TrainingSplits<mgca::DetectionSource<mgca::SyntheticStudies>>{seen, unseen},
                              {.tower = mgca::TowerUse::trained, .find = find, .epochs = 12, .batch_size = 8, .rate = 4e-3});
  const auto after = mgca::tasks::detect(detector, unseen, find);

  const auto line = [](const char* name, const mgca::Interval& i) {
    std::cout << name << 100 * i.estimate.value_or(0) << " % (" << 100 * i.low.value_or(0) << " to " << 100 * i.high.value_or(0) << ")\n";
  };
  line("AP50 before training    ", before.coco_ap50);
  line("AP50                    ", after.coco_ap50);
  line("mAP 0.40 to 0.75        ", after.map);
  line("mAP as published counts ", after.published_map);
  line("found at 1 false alarm  ", after.sensitivity[3]);
  const auto picture = mgca::tasks::drawn(unseen.picture(0), after.images[0]);
  mgca::atomic_write(mgca::posix_files(), "found.png", mgca::io::encode_png(picture.plane()));
  const bool learned = after.coco_ap50.low.value_or(0) > before.coco_ap50.high.value_or(1);
  std::cout << (learned ? "ok: the detector learned where findings lie; found.png shows one image\n" : "the detector did not learn\n");
  return learned ? 0 : 1;
}

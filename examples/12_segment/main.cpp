// Masks: a U-Net or SETR learns them, of synthetic studies whose answer is known, or of a folder of pictures and drawn masks (DrawnMasks):
//   example_12_segment DATA [FOLDER unet|setr]
#include <mgca/catalog/presets.hpp>
#include <mgca/data/sources/drawn_masks.hpp>
#include <mgca/data/synthetic.hpp>
#include <mgca/heads.hpp>
#include <mgca/tasks/segment.hpp>

#include <iostream>

// Trains on split "train", keeps the epoch best on "valid", tells what it finds on "test": all of it and each class apart.
template <class Net, class Data>
double learn(Net net, const Data& data, const mgca::SegmentConfig& config, int64_t side) {
  using Part = mgca::Subset<Data>;
  const auto train = mgca::split_of(data, "train"), valid = mgca::split_of(data, "valid"), test = mgca::split_of(data, "test");
  const mgca::MaskSource<Part> a(train, {.side = side}), b(valid, {.side = side, .augmentation = {.moved = 0}});
  const auto end = mgca::tasks::train_segmenter(net, mgca::tasks::TrainingSplits<mgca::MaskSource<Part>>{a, b}, config);
  double dice = 0;
  const auto& names = data.label_names();
  for (std::size_t c = 0; c <= names.size(); ++c) {  // the last: all
    std::vector<int64_t> records;
    for (int64_t i = 0; i < test.size(); ++i)
      if (c == names.size() || test.record(i).labels[c] == 1) records.push_back(i);
    const mgca::Subset<Part> part(test, records);
    const auto found = mgca::tasks::segment(net, mgca::MaskSource<mgca::Subset<Part>>(part, {.side = side, .augmentation = {.moved = 0}}));
    std::cout << (c == names.size() ? "all" : names[c]) << ": " << records.size() << " images after " << end.progress.epoch << " epochs";
    const auto tell = [](const char* what, const mgca::Interval& v) {
      std::cout << what << *v.estimate << " (" << *v.low << " to " << *v.high << ")";
    };
    tell(", Dice ", found.mean.dice), tell(", IoU ", found.mean.iou), tell(", HD95 in pixels ", found.mean.hausdorff95), std::cout << "\n";
    dice = *found.mean.dice.estimate;
  }
  return dice;
}

struct Studies : mgca::SyntheticStudies {
  std::vector<mgca::Study> studies;
  Studies() : SyntheticStudies({.count = 144, .seed = 1, .contrast = 120}) {
    for (int64_t i = 0; i < size(); ++i)
      studies.push_back(SyntheticStudies::record(i)), studies.back().split = i < 96 ? "train" : i < 112 ? "valid" : "test";
  }
  const mgca::Study& record(int64_t i) const { return studies[static_cast<std::size_t>(i)]; }
};

int main(int argc, char** argv) {
  mgca::SegmentConfig config{.tower = mgca::TowerUse::trained, .epochs = 6, .rate = 2e-3, .schedule = mgca::ScheduleKind::warmup_cosine};
  const auto tower = mgca::presets::mgca_resnet_small().image;
  torch::manual_seed(config.seed);
  if (argc < 4) {
    const auto dice = learn(mgca::Unet<mgca::ResNet>({.encoder = tower, .widths = {64, 48, 32, 16, 8}}), Studies(), config, 64);
    return std::cout << (dice > 0.3 ? "ok" : "too low") << ": Dice " << dice << "\n", 0;
  }
  const mgca::DrawnMasks drawn({.folder = argv[2], .class_column = "part"});
  const mgca::VitConfig vit{.image_size = 128, .patch_size = 8, .width = 96, .depth = 4, .heads = 4, .mlp_ratio = 2};
  const bool setr = std::string(argv[3]) == "setr";
  config.epochs = setr ? 45 : 16, config.rate = setr ? 1e-3 : 2e-3, config.patience = config.epochs;
  if (setr) learn(mgca::Setr<mgca::Vit>({.encoder = vit, .features = {64, 32, 16}}), drawn, config, 128);
  if (!setr) learn(mgca::Unet<mgca::ResNet>({.encoder = tower, .widths = {64, 48, 32, 16, 8}}), drawn, config, 128);
}

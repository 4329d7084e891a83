// A linear probe on frozen features of synthetic radiographs whose answer is known, with all that should be said of its result.
#include <mgca/catalog.hpp>
#include <mgca/mgca.hpp>

#include <iostream>

int main() {
  const mgca::SyntheticStudies studies({.count = 500, .seed = 5});
  const auto part = [&](int64_t from, int64_t to) {
    std::vector<int64_t> records(static_cast<std::size_t>(to - from));
    std::iota(records.begin(), records.end(), from);
    return mgca::Subset(studies, records);
  };
  const auto train = part(0, 300), valid = part(300, 400), test = part(400, 500);

  // A tower at random; mgca::read_image_tower("runs/mine") gives a pretrained one.
  const auto tower = std::get<mgca::ResNet>(mgca::random_image_tower({.name = "mgca-resnet-small", .overrides = {"image.width=8"}}));
  const auto features = [&](const auto& split) {
    const mgca::LabelledSource source(split, {.stored_side = 64, .augmentation = {.crop = 64, .random_crop = false}});
    return mgca::tasks::features(mgca::feature_tower(tower), source);
  };
  const auto known = features(train), chosen = features(valid), unseen = features(test);

  const auto probe = mgca::tasks::train_probe({.train = known, .valid = chosen}, {.epochs = 20});
  const auto at_validation = mgca::tasks::classify(probe, chosen), scores = mgca::tasks::classify(probe, unseen);
  const auto patients = mgca::data::patient_groups(test, unseen.records);
  const auto result = mgca::metrics::classification(
      scores.table(), {.thresholds = mgca::metrics::best_f1_thresholds(at_validation.table()), .bootstrap = {.groups = patients}});

  for (const auto measure : {mgca::Measure::auroc, mgca::Measure::f1, mgca::Measure::calibration_error}) {
    const auto& found = result.macro[measure];
    std::cout << to_string(measure) << " " << found.estimate.value_or(0) << " [" << found.low.value_or(0) << ", " << found.high.value_or(0) << "] over "
              << result.defined[static_cast<std::size_t>(measure)] << " findings\n";
  }
  std::cout << "ok: train the tower first (example 05) and compare\n";
}

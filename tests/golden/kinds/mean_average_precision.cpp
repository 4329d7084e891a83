// Mean average precision of sets of images, with and without those the published code drops; -1 where there is none.
#include "../case.hpp"

#include <mgca/metrics/detection.hpp>

namespace mgca::golden {

namespace {

Box box_of_corners(const nlohmann::json& b) { return {b.at(0), b.at(1), b.at(2), b.at(3)}; }

Answer mean_average_precision(const Case& one) {
  DetectionScoring scoring{.thresholds = one.config.at("iou_thresholds").get<std::vector<double>>()};
  std::vector<double> all, official;
  for (const auto& set : Case::read_json(one.folder / "boxes.json")) {
    std::vector<ImageDetections> images;
    for (const auto& image : set) {
      auto& to = images.emplace_back();
      for (const auto& box : image.at("tb")) to.truth.push_back(box_of_corners(box));
      for (std::size_t i = 0; i < image.at("pb").size(); ++i) to.found.push_back({.box = box_of_corners(image["pb"][i]), .score = image.at("ps").at(i)});
    }
    scoring.images = CountedImages::all;
    all.push_back(metrics::RankedDetections(images, scoring).mean_average_precision().value_or(-1));
    scoring.images = CountedImages::found_and_true;
    official.push_back(metrics::RankedDetections(images, scoring).mean_average_precision().value_or(-1));
  }
  return {.tensors = {{"map.all", torch::tensor(all, torch::kFloat64)}, {"map.official", torch::tensor(official, torch::kFloat64)},
                      {"recall_thresholds", torch::tensor(metrics::recall_levels(MatchRule::above), torch::kFloat64)}}, .document = {}};
}

const Kind mean_average_precision_kind("mean_average_precision", mean_average_precision);

}  // namespace

}  // namespace mgca::golden

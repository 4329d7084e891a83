// detection_scores BOXES: for each set of images in the JSON file a line: mean average precision 0.50 to 0.95, AP50, as COCO counts; -1: none.
// BOXES: [[{"tb": true boxes x1, y1, x2, y2; "pb": found boxes; "ps": their scores}, ...], ...]
#include <mgca/core/file.hpp>
#include <mgca/metrics/detection.hpp>

#include <nlohmann/json.hpp>

#include <cstdio>
#include <iostream>

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw std::runtime_error("usage: detection_scores BOXES");
    const auto box_of_corners = [](const nlohmann::json& b) { return mgca::Box{b.at(0), b.at(1), b.at(2), b.at(3)}; };
    for (const auto& set : nlohmann::json::parse(mgca::read_text_file(argv[1]))) {
      std::vector<mgca::ImageDetections> images;
      for (const auto& image : set) {
        auto& to = images.emplace_back();
        for (const auto& box : image.at("tb")) to.truth.push_back(box_of_corners(box));
        for (std::size_t i = 0; i < image.at("pb").size(); ++i) to.found.push_back({.box = box_of_corners(image["pb"][i]), .score = image.at("ps").at(i)});
      }
      const mgca::metrics::RankedDetections ranked(images, mgca::coco_scoring());
      std::printf("%.17g %.17g\n", ranked.mean_average_precision().value_or(-1), ranked.average_precision(0).value_or(-1));
    }
  } catch (const std::exception& error) {
    std::cerr << "detection_scores: " << error.what() << '\n';
    return 1;
  }
  return 0;
}

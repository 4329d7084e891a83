// Boxes found on images and true of them, in pieces that ranks can bring together.
#pragma once

#include <mgca/metrics/detection.hpp>
#include <mgca/tasks/detail/each_batch.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace mgca::tasks::detail {

class SeenImages {
 public:
  // The images of a batch, with what was found on each and what is there.
  void add(std::span<const int64_t> records, const std::vector<std::vector<Detection>>& found, const std::vector<std::vector<Box>>& truth) {
    const auto before = boxes_.size();
    for (std::size_t i = 0; i < records.size(); ++i) {
      images_.push_back({.record = records[i], .found = found[i].size(), .truth = truth[i].size()});
      boxes_.insert(boxes_.end(), found[i].begin(), found[i].end());
      for (const auto& box : truth[i]) boxes_.push_back({.box = box});
    }
    image_order_.add(records.size());
    box_order_.add(boxes_.size() - before);
  }

  struct All {
    std::vector<int64_t> records;
    std::vector<ImageDetections> images;
  };
  // With those that other ranks have added, in the order of one process, and none is left.
  [[nodiscard]] All take(Ranks* ranks) {
    auto mine = std::exchange(*this, {});
    const auto images = mine.image_order_.of_all(ranks, std::move(mine.images_));
    const auto boxes = mine.box_order_.of_all(ranks, std::move(mine.boxes_));
    All all;
    auto next = boxes.begin();
    for (const auto& [record, found, truth] : images) {
      all.records.push_back(record);
      auto& image = all.images.emplace_back();
      for (std::size_t i = 0; i < found; ++i) image.found.push_back(*next++);
      for (std::size_t i = 0; i < truth; ++i) image.truth.push_back((next++)->box);
    }
    return all;
  }

 private:
  struct Seen {
    int64_t record = 0;
    std::size_t found = 0, truth = 0;  // boxes of each kind, which follow one another
  };

  std::vector<Seen> images_;
  std::vector<Detection> boxes_;
  BatchOrder image_order_, box_order_;
};

}  // namespace mgca::tasks::detail

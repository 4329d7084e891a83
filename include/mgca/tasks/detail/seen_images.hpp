// Boxes found on images and true of them, in pieces that ranks can bring together.
#pragma once

#include <mgca/metrics/detection.hpp>
#include <mgca/tasks/detail/each_batch.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace mgca::tasks::detail {

class SeenImages {
 public:
  void add(int64_t record, const std::vector<Detection>& found, const std::vector<Box>& truth) {
    records_.push_back(record);
    for (const auto& one : found) boxes_.push_back({.record = record, .true_one = false, .box = one});
    for (const auto& one : truth) boxes_.push_back({.record = record, .true_one = true, .box = {.box = one}});
  }

  struct All {
    std::vector<int64_t> records;  // ascending
    std::vector<ImageDetections> images;
  };
  // With those that other ranks have added, and none is left. Boxes of an image keep their order.
  [[nodiscard]] All take(Ranks* ranks) {
    All all{.records = of_all_ranks(ranks, std::exchange(records_, {}), [](int64_t record) { return record; }), .images = {}};
    const auto boxes = of_all_ranks(ranks, std::exchange(boxes_, {}), [](const Piece& piece) { return piece.record; });
    all.images.resize(all.records.size());
    std::size_t image = 0;
    for (const auto& piece : boxes) {
      while (all.records[image] != piece.record) ++image;
      if (piece.true_one) all.images[image].truth.push_back(piece.box.box);
      else all.images[image].found.push_back(piece.box);
    }
    return all;
  }

 private:
  struct Piece {
    int64_t record = 0;
    bool true_one = false;  // else it was found
    Detection box;
  };

  std::vector<int64_t> records_;
  std::vector<Piece> boxes_;
};

}  // namespace mgca::tasks::detail

// Pictures and boxes of a data set as batches for a detector.
// Reference: the published detection data: pictures squashed to a square without keeping their shape, boxes relative to the picture.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/core/parallel.hpp>
#include <mgca/data/dataset.hpp>
#include <mgca/feed/loader.hpp>
#include <mgca/image/local_contrast.hpp>
#include <mgca/image/resize.hpp>
#include <mgca/tensor/bridge.hpp>
#include <mgca/tensor/torch.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace mgca {

struct DetectionBatch {
  Tensor images;                 // (B, 1, S, S) uint8
  Tensor boxes;                  // (B, M, 5) float32: class 0, cx, cy, w, h of 1; rows of 0 are padding
  std::vector<int64_t> records;  // positions in the data set

  [[nodiscard]] int64_t size() const { return images.size(0); }
  void pin() { page_lock(images, boxes); }
};

struct DetectionSourceConfig {
  int64_t side = 224;  // of pictures, pixels
  LocalContrast local_contrast;

  static void describe(auto& self, auto&& field) {
    field("side", self.side, "side of pictures, pixels");
    field("local_contrast", self.local_contrast, "whether pictures are evened out before they are stored");
  }
  void validate() const {
    local_contrast.validate();
    MGCA_CHECK(side > 0, "detection_source: side must be positive, got ", side);
  }
};

template <Dataset D>
class DetectionSource {
 public:
  using Batch = DetectionBatch;

  // Keeps a reference to the data. Every picture is decoded once, when the source is made. Boxes of every label are one class and are cut
  // at the picture's edges. Throws Error naming the row for a picture that cannot be read and a box that lies outside its picture.
  DetectionSource(const D& data, const DetectionSourceConfig& config)
      : data_(&data), config_((config.validate(), config)), pictures_(static_cast<std::size_t>(data.size())), boxes_(pictures_.size()) {
    parallel_for(data.size(), [&](int64_t i) { read(i); });
    for (const auto& boxes : boxes_) most_ = std::max(most_, static_cast<int64_t>(boxes.size()));
  }

  [[nodiscard]] int64_t size() const { return data_->size(); }
  [[nodiscard]] const D& data() const { return *data_; }
  [[nodiscard]] int64_t row(int64_t i) const { return data_->record(i).row; }  // where a record stands in its table
  [[nodiscard]] const DetectionSourceConfig& config() const { return config_; }
  [[nodiscard]] const GreyImage& picture(int64_t i) const { return pictures_[static_cast<std::size_t>(i)]; }
  // In pixels of the squashed picture.
  [[nodiscard]] const std::vector<Box>& truth(int64_t i) const { return boxes_[static_cast<std::size_t>(i)]; }

  [[nodiscard]] Batch batch(std::span<const int64_t> records, RandomKey /*key*/) const {
    const auto B = static_cast<int64_t>(records.size()), S = config_.side;
    Batch out{.images = torch::empty({B, 1, S, S}, torch::kUInt8),
              .boxes = torch::zeros({B, most_, 5}, torch::kFloat32),
              .records = {records.begin(), records.end()}};
    auto* image = out.images.template data_ptr<uint8_t>();
    auto* rows = out.boxes.template data_ptr<float>();
    for (const auto record : records) {
      const auto pixels = picture(record).pixels();
      image = std::copy(pixels.begin(), pixels.end(), image);
      auto* row = rows;
      for (const auto& box : truth(record)) {
        const auto c = centre_of(box);
        for (const double value : {0.0, c.cx / static_cast<double>(S), c.cy / static_cast<double>(S), c.width / static_cast<double>(S), c.height / static_cast<double>(S)}) {
          *row++ = static_cast<float>(value);
        }
      }
      rows += most_ * 5;
    }
    return out;
  }

 private:
  void read(int64_t i) {
    const auto& study = data_->record(i);
    auto whole = data_->image(i);
    const auto width = static_cast<double>(whole.width()), height = static_cast<double>(whole.height()), side = static_cast<double>(config_.side);
    auto& boxes = boxes_[static_cast<std::size_t>(i)];
    for (const auto& one : study.boxes) {
      const Box cut{std::clamp(one.box.x1, 0.0, width), std::clamp(one.box.y1, 0.0, height), std::clamp(one.box.x2, 0.0, width), std::clamp(one.box.y2, 0.0, height)};
      if (!(cut.area() > 0)) {
        fail(ErrorKind::data, "row ", study.row, ": the box (", one.box.x1, ", ", one.box.y1, ", ", one.box.x2, ", ", one.box.y2,
             ") has no area in its picture of ", width, " x ", height, " pixels; correct or remove it");
      }
      boxes.push_back(cut.scaled(side / width, side / height));
    }
    auto squashed = image::resize(std::as_const(whole).plane(), {.height = config_.side, .width = config_.side, .filter = image::Filter::bilinear});
    pictures_[static_cast<std::size_t>(i)] = config_.local_contrast == LocalContrast{} ? std::move(squashed)
                                                                                       : image::local_contrast(std::as_const(squashed).plane(), config_.local_contrast);
  }

  const D* data_;
  DetectionSourceConfig config_;
  std::vector<GreyImage> pictures_;
  std::vector<std::vector<Box>> boxes_;
  int64_t most_ = 1;  // boxes of a picture
};

}  // namespace mgca

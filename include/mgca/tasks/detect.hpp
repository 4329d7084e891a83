// Detection: a YOLOv3 on a residual tower is trained on boxes and judged over all images of a split.
// Reference: MGCA, section 4.1: AdamW at a constant rate, frozen tower, the best epoch by mean average precision.
#pragma once

#include <mgca/core/suppression.hpp>
#include <mgca/data/split.hpp>
#include <mgca/feed/batch.hpp>
#include <mgca/feed/detection_source.hpp>
#include <mgca/heads/detector.hpp>
#include <mgca/heads/yolo_loss.hpp>
#include <mgca/metrics/bootstrap.hpp>
#include <mgca/metrics/detection.hpp>
#include <mgca/tasks/detail/seen_images.hpp>
#include <mgca/tasks/tower_use.hpp>
#include <mgca/tasks/train_head.hpp>
#include <mgca/tensor/bridge.hpp>
#include <mgca/train/evaluate.hpp>
#include <mgca/viz/canvas.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

struct FindOptions {
  double confidence = 0.5;   // boxes less sure than this are dropped
  double suppression = 0.5;  // of overlapping boxes the surest stays
  double pixel = 1;          // added to every side before the overlap is taken; 0 suits small pictures, whose boxes it changes much

  static void describe(auto& self, auto&& field) {
    field("confidence", self.confidence, "boxes less sure than this are dropped");
    field("suppression", self.suppression, "IoU at which of two boxes the surer stays");
    field("pixel", self.pixel, "added to every side before the overlap is taken: 1 as published; 0 suits small pictures");
  }
};

enum class DetectMonitor : uint8_t { mean_average_precision, loss };
constexpr auto names_of(DetectMonitor) { return std::to_array<std::string_view>({"mean_average_precision", "loss"}); }

struct DetectConfig {
  TowerUse tower = TowerUse::frozen;
  YoloArithmetic arithmetic = YoloArithmetic::single;
  FindOptions find;
  CountedImages images = CountedImages::all;  // in the precision that chooses the best epoch
  DetectMonitor monitor = DetectMonitor::mean_average_precision;
  int64_t epochs = 50;
  int64_t batch_size = 16;
  double rate = 5e-4;
  double weight_decay = 1e-6;
  ScheduleKind schedule = ScheduleKind::constant;
  int64_t patience = 10;  // epochs without a better value
  int64_t threads = 1;
  uint64_t seed = 42;
  RunContext run;  // a folder for checkpoints, a stop, a sink; no part of the recipe

  static void describe(auto& self, auto&& field) {
    field("tower", self.tower, "what happens to the tower");
    field("arithmetic", self.arithmetic, "precision of the loss");
    field("find", self.find, "which boxes are found");
    field("images", self.images, "images that count in the precision that chooses the best epoch");
    field("monitor", self.monitor, "what chooses the best epoch");
    field("epochs", self.epochs, "passes over the data at most");
    field("batch_size", self.batch_size, "images per step");
    field("rate", self.rate, "learning rate, the highest where it changes");
    field("weight_decay", self.weight_decay, "decoupled decay");
    field("schedule", self.schedule, "shape of the learning rate's curve");
    field("patience", self.patience, "epochs without a better value");
    field("threads", self.threads, "threads that prepare batches");
    field("seed", self.seed, "of the order of images");
  }
};

// As the published code trains: norms of the frozen tower drift, the loss is in double precision, images without a detection or
// without a truth are not seen when the best epoch is chosen.
[[nodiscard]] inline DetectConfig published_detection() {
  return {.tower = TowerUse::frozen_drifting, .arithmetic = YoloArithmetic::published, .images = CountedImages::found_and_true};
}

namespace tasks {

// Boxes of each image of a batch in pixels, surest first, from a detector's boxes (B, N, 5 + C).
[[nodiscard]] inline std::vector<std::vector<Detection>> found_boxes(const Tensor& boxes, const FindOptions& options) {
  const auto host = boxes.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  const auto values = span_of<float>(host);
  const auto rows = static_cast<std::size_t>(host.size(1)), width = static_cast<std::size_t>(host.size(2));
  std::vector<std::vector<Detection>> all;
  for (std::size_t b = 0; b < static_cast<std::size_t>(host.size(0)); ++b) {
    std::vector<Detection> sure;
    for (std::size_t i = 0; i < rows; ++i) {
      const auto row = values.subspan((b * rows + i) * width, width);
      if (!(row[4] >= options.confidence)) continue;
      const auto label = std::max_element(row.begin() + 5, row.end()) - (row.begin() + 5);
      sure.push_back({.box = box_of(CentreSize{row[0], row[1], row[2], row[3]}), .score = row[4], .label = label});
    }
    auto& kept = all.emplace_back();
    for (const auto i : non_maximum_suppression(sure, {.threshold = options.suppression, .pixel = options.pixel})) kept.push_back(sure[static_cast<std::size_t>(i)]);
  }
  return all;
}

}  // namespace tasks

// Freezes the tower's parameters, or makes them trainable, as the configuration says. Evaluation remembers what was found.
class DetectTask {
 public:
  DetectTask(Detector detector, const DetectConfig& config) : detector_(std::move(detector)), config_(config) {
    for (auto& parameter : detector_->tower->parameters()) parameter.requires_grad_(config.tower == TowerUse::trained);
  }
  [[nodiscard]] torch::nn::Module& module() { return *detector_; }
  StepResult training_step(const DetectionBatch& batch) {
    if (config_.tower == TowerUse::frozen) detector_->tower->eval();
    return step(batch, outputs(batch));
  }
  StepResult evaluation_step(const DetectionBatch& batch) {
    const auto raw = outputs(batch);
    const auto found = tasks::found_boxes(heads::yolo_decode(detector_->yolo->config, raw), config_.find);
    std::vector<std::vector<Box>> truth;
    for (int64_t b = 0; b < batch.size(); ++b) truth.push_back(truth_of(batch, b));
    seen_.add(batch.records, found, truth);
    return step(batch, raw);
  }

  // A hook for after Validate: "val_map" of what was found since the last call, on all ranks, 0 where no image counts.
  void after_epoch(const Progress& at, Values& values) {
    values["val_map"] = metrics::RankedDetections(seen_.take(at.ranks).images, {.images = config_.images}).mean_average_precision().value_or(0);
  }

 private:
  [[nodiscard]] std::vector<Tensor> outputs(const DetectionBatch& batch) {
    return detector_->forward(network_input(batch.images, detector_->parameters().front().device()));
  }
  [[nodiscard]] StepResult step(const DetectionBatch& batch, const std::vector<Tensor>& raw) const {
    const auto loss = heads::yolo_loss(detector_->yolo->config, raw, batch.boxes.to(raw.front().device(), /*non_blocking=*/true), config_.arithmetic);
    return {.loss = loss.total, .metrics = {}, .samples = batch.size()};
  }
  [[nodiscard]] static std::vector<Box> truth_of(const DetectionBatch& batch, int64_t b) {
    const auto side = static_cast<double>(batch.images.size(3));
    const auto values = span_of<float>(batch.boxes);
    const auto most = static_cast<std::size_t>(batch.boxes.size(1)) * 5;
    std::vector<Box> truth;
    for (std::size_t i = static_cast<std::size_t>(b) * most; i < static_cast<std::size_t>(b + 1) * most; i += 5) {
      if (values[i + 3] > 0) truth.push_back(box_of(CentreSize{values[i + 1] * side, values[i + 2] * side, values[i + 3] * side, values[i + 4] * side}));
    }
    return truth;
  }

  Detector detector_;
  DetectConfig config_;
  tasks::detail::SeenImages seen_;
};

// What was found on each image, and measures over all images with their intervals.
struct DetectionReport {
  std::vector<int64_t> records;         // positions in the data set
  std::vector<ImageDetections> images;  // in pixels of the squashed pictures
  Interval map;                         // mean over IoU 0.40 to 0.75, every image counts
  Interval published_map;               // the same over images with a detection and a truth alone; optimistic
  Interval coco_map, coco_ap50;         // pycocotools' 0.50 to 0.95, and 0.50
  std::vector<Interval> sensitivity;    // at metrics::kFalsePositiveRates, IoU 0.50 or more
};

namespace tasks {

// As train_head says, by config.monitor. More hooks are called last.
template <class Source, class... Hooks>
FitResult train_detector(Detector detector, const TrainingSplits<Source>& splits, const DetectConfig& config, Hooks&&... hooks) {
  DetectTask task(detector, config);
  const bool by_map = config.monitor == DetectMonitor::mean_average_precision;
  return train_head(task, splits, config,
                    {.monitor = by_map ? "val_map" : "val_loss", .better = by_map ? Better::larger : Better::smaller, .held_out_batch = config.batch_size,
                     .schedule = config.schedule},
                    std::forward<Hooks>(hooks)...).fit;
}

// Every measure at once from boxes and truths; `bootstrap.groups` name the patients.
[[nodiscard]] inline DetectionReport judge(std::vector<ImageDetections> images, const BootstrapOptions& bootstrap = {}) {
  DetectionReport report;
  const metrics::RankedDetections all(images, {}), published(images, {.images = CountedImages::found_and_true}), coco(images, coco_scoring());
  const auto intervals = metrics::bootstrap(all.images(), [&](const Resample& r) {
    std::vector<std::optional<double>> values{all.mean_average_precision(r.times), published.mean_average_precision(r.times),
                                              coco.mean_average_precision(r.times), coco.average_precision(0, r.times)};
    for (const auto& value : metrics::froc(coco, 0, r.times)) values.push_back(value);
    return values;
  }, bootstrap);
  report.map = intervals[0];
  report.published_map = intervals[1];
  report.coco_map = intervals[2];
  report.coco_ap50 = intervals[3];
  report.sensitivity.assign(intervals.begin() + 4, intervals.end());
  report.images = std::move(images);
  return report;
}

// Every image of a source, in evaluation mode. Images of one patient are drawn together. Ranks share the work, and each gets all of it.
template <class Source>
[[nodiscard]] DetectionReport detect(Detector detector, const Source& source, const FindOptions& options = {}, BootstrapOptions bootstrap = {},
                                     Ranks* ranks = nullptr) {
  const EvaluationScope evaluation(*detector);
  const auto device = detector->parameters().front().device();
  detail::SeenImages seen;
  detail::for_each_batch(source, 16, ranks, [&](const DetectionBatch& batch) {
    const auto found = found_boxes(detector->boxes(network_input(batch.images, device)), options);
    std::vector<std::vector<Box>> truth;
    for (const auto record : batch.records) truth.push_back(source.truth(record));
    seen.add(batch.records, found, truth);
  });
  auto [records, images] = seen.take(ranks);
  const auto groups = data::patient_groups(source.data(), records);
  bootstrap.groups = groups;
  auto report = judge(std::move(images), bootstrap);
  report.records = std::move(records);
  return report;
}

// A picture with its true boxes (blue) and what was found on it (amber), in colour.
[[nodiscard]] inline Image<uint8_t> drawn(const GreyImage& picture, const ImageDetections& boxes) {
  auto canvas = viz::to_rgb(picture.plane());
  for (const auto& box : boxes.truth) viz::draw_box(canvas.plane(), box, {.color = {37, 99, 235}, .thickness = 1});
  for (const auto& one : boxes.found) viz::draw_box(canvas.plane(), one.box, {.thickness = 1});
  return canvas;
}

}  // namespace tasks
}  // namespace mgca

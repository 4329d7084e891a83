// Segmentation: a tower with a U-Net or SETR decoder is trained on masks and judged image by image.
// Reference: MGCA, section 4.1: AdamW at a constant rate, frozen tower, the best epoch by validation loss.
#pragma once

#include <mgca/data/split.hpp>
#include <mgca/feed/batch.hpp>
#include <mgca/feed/mask_source.hpp>
#include <mgca/io/image_file.hpp>
#include <mgca/metrics/dice.hpp>
#include <mgca/ops/mask_loss.hpp>
#include <mgca/tasks/detail/each_batch.hpp>
#include <mgca/tasks/tower_use.hpp>
#include <mgca/tasks/train_head.hpp>
#include <mgca/tensor/bridge.hpp>
#include <mgca/train/evaluate.hpp>
#include <mgca/viz/canvas.hpp>
#include <mgca/viz/picture.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

// What Unet and Setr are: a module that makes logits (B, 1, S, S) of images (B, 3, S, S), and says which part of it is the tower.
template <class Net>
concept SegmentationNet = std::derived_from<std::remove_cvref_t<decltype(*std::declval<Net&>())>, torch::nn::Module> &&
    requires(Net net, const Tensor& images) {
  { net->forward(images) } -> std::same_as<Tensor>;
  { net->tower() } -> std::same_as<torch::nn::Module&>;
};

struct SegmentConfig {
  TowerUse tower = TowerUse::frozen;
  ops::MaskLossOptions loss;
  int64_t epochs = 50;
  int64_t batch_size = 8;
  double rate = 5e-4;
  double weight_decay = 0.05;
  ScheduleKind schedule = ScheduleKind::constant;
  int64_t patience = 10;  // epochs without a better validation loss
  int64_t threads = 1;
  uint64_t seed = 42;
  RunContext run;  // a folder for checkpoints, a stop, a sink; no part of the recipe

  static void describe(auto& self, auto&& field) {
    field("tower", self.tower, "what happens to the tower");
    field("loss", self.loss, "loss of the masks");
    field("epochs", self.epochs, "passes over the data at most");
    field("batch_size", self.batch_size, "images per step");
    field("rate", self.rate, "learning rate, the highest where it changes");
    field("weight_decay", self.weight_decay, "decoupled decay");
    field("schedule", self.schedule, "shape of the learning rate's curve");
    field("patience", self.patience, "epochs without a better validation loss");
    field("threads", self.threads, "threads that prepare batches");
    field("seed", self.seed, "of order, augmentation and dropout");
  }
};

// Freezes the tower's parameters, or makes them trainable, as the configuration says.
template <SegmentationNet Net>
class SegmentTask {
 public:
  SegmentTask(Net net, const SegmentConfig& config) : net_(std::move(net)), tower_(config.tower), loss_(config.loss) {
    for (auto& parameter : net_->tower().parameters()) parameter.requires_grad_(tower_ == TowerUse::trained);
  }
  [[nodiscard]] torch::nn::Module& module() { return *net_; }
  // Ranks that hold the other parts of each training batch from now on; nullptr: none. train_head calls it.
  void train_with(ProcessGroup* peers) { peers_ = peers; }
  StepResult training_step(const MaskBatch& batch) {
    if (tower_ == TowerUse::frozen) net_->tower().eval();
    return step(batch, peers_);
  }
  StepResult evaluation_step(const MaskBatch& batch) { return step(batch, nullptr); }

 private:
  StepResult step(const MaskBatch& batch, ProcessGroup* peers) {
    const auto device = net_->parameters().front().device();
    const auto logits = net_->forward(network_input(batch.images, device));
    const auto loss = ops::mask_loss(logits, batch.masks.to(device, /*non_blocking=*/true), loss_, peers);
    return {.loss = loss.total, .metrics = {{"focal", loss.focal.detach()}, {"soft_dice", loss.dice.detach()}}, .samples = batch.size()};
  }

  Net net_;
  TowerUse tower_;
  ops::MaskLossOptions loss_;
  ProcessGroup* peers_ = nullptr;
};

struct SegmentOptions {
  double threshold = 0.5;  // of probabilities: above it a pixel is marked
  int64_t batch_size = 8;
  PixelSpacing spacing;        // of the network's pixels, for distances
  BootstrapOptions bootstrap;  // its groups are made of the patients where the studies name them
};

// What was found on each image, and means over images with their intervals.
struct Segmentation {
  struct One {
    int64_t record = 0, row = 0;  // position in the data set; row of its table
    MaskScore score;
    int64_t patient = 0;          // numbered in order, which names nobody
  };
  std::vector<One> images;
  MaskSummary mean;
  double dice_over_batches = 0;  // Official code: means over batches are averaged, however small the last one is

  // "row,patient_number,dice,iou,hausdorff95,predicted,truth", a line for each image; an undefined distance is an empty cell.
  [[nodiscard]] std::string csv() const {
    std::string text = "row,patient_number,dice,iou,hausdorff95,predicted,truth\n";
    std::array<char, 160> line{};
    for (const auto& [record, row, score, patient] : images) {
      std::snprintf(line.data(), line.size(), "%lld,%lld,%.6g,%.6g,", static_cast<long long>(row), static_cast<long long>(patient), score.dice, score.iou);
      text += line.data();
      if (score.hausdorff95) std::snprintf(line.data(), line.size(), "%.6g", *score.hausdorff95), text += line.data();
      text += "," + std::to_string(score.predicted) + "," + std::to_string(score.truth) + "\n";
    }
    return text;
  }
};

namespace tasks {

namespace detail {

// The masks of a batch on the host, 0 and 1, an image after another.
struct HostMasks {
  Tensor predicted, truth, undecided;  // (B, 1, S, S) uint8

  [[nodiscard]] Plane<const uint8_t> plane(const Tensor& all, int64_t b) const {
    const auto pixels = static_cast<std::size_t>(all.size(2) * all.size(3));
    return {
        .pixels = span_of<uint8_t>(all).subspan(static_cast<std::size_t>(b) * pixels, pixels), .height = all.size(2), .width = all.size(3)};
  }
  [[nodiscard]] MaskPair pair(int64_t b) const {
    return {.predicted = plane(predicted, b), .truth = plane(truth, b), .ignored = plane(undecided, b)};
  }
};

// In evaluation mode, without gradient.
template <SegmentationNet Net>
[[nodiscard]] HostMasks host_masks(Net& net, const MaskBatch& batch, double threshold) {
  const EvaluationScope evaluation(*net);
  const auto marked = [](const Tensor& where) { return where.to(torch::kCPU, torch::kUInt8).contiguous(); };
  const auto logits = net->forward(network_input(batch.images, net->parameters().front().device()));
  return {marked(logits.sigmoid() > threshold), marked(batch.masks > 0.5), marked(batch.masks.isnan())};
}

}  // namespace detail

// As train_head says, by validation loss. More hooks are called last.
template <SegmentationNet Net, class Source, class... Hooks>
FitResult train_segmenter(Net net, const TrainingSplits<Source>& splits, const SegmentConfig& config, Hooks&&... hooks) {
  SegmentTask<Net> task(net, config);
  return train_head(task, splits, config, {.held_out_batch = config.batch_size, .schedule = config.schedule}, std::forward<Hooks>(hooks)...).fit;
}

// Every image of a source. Ranks share the work, and each gets all of it. Throws Error(argument) for a threshold outside (0, 1).
template <SegmentationNet Net, class Source>
[[nodiscard]] Segmentation segment(Net net, const Source& source, const SegmentOptions& options = {}, Ranks* ranks = nullptr) {
  MGCA_CHECK(options.threshold > 0 && options.threshold < 1, "segment: threshold is a probability between 0 and 1, got ",
             options.threshold);
  Segmentation out;
  detail::BatchOrder order;
  detail::for_each_batch(source, options.batch_size, ranks, [&](const MaskBatch& batch) {
    const auto masks = detail::host_masks(net, batch, options.threshold);
    for (int64_t b = 0; b < batch.size(); ++b) {
      const auto record = batch.records[static_cast<std::size_t>(b)];
      out.images.push_back({.record = record, .row = source.row(record), .score = metrics::mask_score(masks.pair(b), options.spacing)});
    }
    order.add(batch.records.size());
  });
  out.images = order.of_all(ranks, std::move(out.images));
  std::vector<double> batches;  // mean Dice of each
  for (auto rest = std::span(std::as_const(out.images)); !rest.empty();) {
    const auto batch = rest.first(std::min(rest.size(), static_cast<std::size_t>(options.batch_size)));
    rest = rest.subspan(batch.size());
    double sum = 0;
    for (const auto& one : batch) sum += one.score.dice;
    batches.push_back(sum / static_cast<double>(batch.size()));
  }
  out.dice_over_batches = std::accumulate(batches.begin(), batches.end(), 0.0) / static_cast<double>(batches.size());
  std::vector<int64_t> records;
  for (const auto& one : out.images) records.push_back(one.record);
  const auto groups = data::patient_groups(source.data(), records);
  for (std::size_t i = 0; i < groups.size(); ++i) out.images[i].patient = groups[i];
  auto bootstrap = options.bootstrap;
  bootstrap.groups = groups;
  std::vector<MaskScore> scores;
  for (const auto& one : out.images) scores.push_back(one.score);
  out.mean = metrics::mask_summary(scores, bootstrap);
  return out;
}

// The outline of the truth (blue) and of what was found (amber) on the images of highest and lowest Dice, `count` of each, best first.
template <SegmentationNet Net, class Source>
[[nodiscard]] std::vector<Figure> best_and_worst(Net net, const Source& source, const Segmentation& segmentation, std::size_t count = 6,
                                                 double threshold = 0.5) {
  auto order = segmentation.images;
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.score.dice > b.score.dice; });
  if (order.size() > 2 * count)
    order.erase(order.begin() + static_cast<std::ptrdiff_t>(count), order.end() - static_cast<std::ptrdiff_t>(count));
  const auto plain = source.without_augmentation();
  std::vector<Figure> figures;
  for (const auto& one : order) {
    const auto batch = plain.batch(std::span(&one.record, 1), {});
    const auto masks = detail::host_masks(net, batch, threshold).pair(0);
    auto picture = viz::to_rgb({.pixels = span_of<uint8_t>(batch.images), .height = batch.images.size(2), .width = batch.images.size(3)});
    viz::draw_contour(picture.plane(), masks.truth, {.color = {37, 99, 235}, .thickness = 1});
    viz::draw_contour(picture.plane(), masks.predicted, {.thickness = 1});
    std::array<char, 64> caption{};
    std::snprintf(caption.data(), caption.size(), "Dice %.3f, IoU %.3f", one.score.dice, one.score.iou);
    figures.push_back({.picture = Png{io::encode_png(std::as_const(picture).plane())},
                       .title = "Row " + std::to_string(one.row),
                       .caption = caption.data()});
  }
  return figures;
}

}  // namespace tasks
}  // namespace mgca

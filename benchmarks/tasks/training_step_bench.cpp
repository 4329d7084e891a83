// A training step of what stands on a frozen tower, at the published sizes: detection with 16 pictures on a ResNet-50, segmentation with 8
// on a ResNet-50 (U-Net) and a ViT-B/16 (SETR), 224 x 224. Forward, loss, backward and update.
#include <mgca/catalog/presets.hpp>
#include <mgca/heads/setr.hpp>
#include <mgca/heads/unet.hpp>
#include <mgca/tasks/detect.hpp>
#include <mgca/tasks/segment.hpp>
#include <mgca/train/optimizer.hpp>

#include <benchmark/benchmark.h>

namespace {

constexpr int64_t kSide = 224;

template <class Task, class Batch>
void steps(benchmark::State& state, Task& task, const Batch& batch) {
  task.module().train();
  mgca::AdamW optimizer(task.module(), {});
  for (auto _ : state) {
    optimizer.zero_grad();
    task.training_step(batch).loss.backward();
    optimizer.step(5e-4);
  }
}

template <class Net>
void segmentation(benchmark::State& state, Net net) {
  mgca::SegmentTask<Net> task(net, {});
  steps(state, task, mgca::MaskBatch{.images = torch::randint(256, {8, 1, kSide, kSide}, torch::kUInt8), .masks = (torch::rand({8, 1, kSide, kSide}) > 0.9).to(torch::kFloat32), .records = {}});
}

void BM_TrainingStep_detection(benchmark::State& state) {
  mgca::Detector detector({.image = mgca::presets::mgca_resnet50().image, .yolo = {}});
  mgca::DetectTask task(detector, {});
  auto boxes = torch::rand({16, 3, 5}) * 0.4 + 0.1;  // three a picture
  boxes.select(-1, 0).zero_();
  steps(state, task, mgca::DetectionBatch{.images = torch::randint(256, {16, 1, kSide, kSide}, torch::kUInt8), .boxes = boxes, .records = {}});
}
void BM_TrainingStep_unet(benchmark::State& state) {
  auto tower = mgca::presets::mgca_resnet50().image;
  tower.enlarged = 0;
  segmentation(state, mgca::unet_on(mgca::ResNet(tower)));
}
void BM_TrainingStep_setr(benchmark::State& state) { segmentation(state, mgca::setr_on(mgca::Vit(mgca::presets::mgca_vit_b16().image))); }

}  // namespace

BENCHMARK(BM_TrainingStep_detection)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BM_TrainingStep_unet)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BM_TrainingStep_setr)->Unit(benchmark::kMillisecond)->UseRealTime();

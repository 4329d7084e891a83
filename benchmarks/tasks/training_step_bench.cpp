// A training step of what stands on a frozen tower, at the published sizes: detection with 16 pictures on a ResNet-50, segmentation with 8
// on a ResNet-50 (U-Net) and a ViT-B/16 (SETR), 224 x 224. Forward, loss, backward and update; on a GPU, where there is one, in bf16 too.
#include "device.hpp"

#include <mgca/catalog/presets.hpp>
#include <mgca/heads/setr.hpp>
#include <mgca/heads/unet.hpp>
#include <mgca/tasks/detect.hpp>
#include <mgca/tasks/segment.hpp>
#include <mgca/tensor/precision.hpp>
#include <mgca/train/optimizer.hpp>

#include <benchmark/benchmark.h>

namespace {

constexpr int64_t kSide = 224;

template <class Task, class Batch>
void steps(benchmark::State& state, Task& task, const Batch& batch) {
  const auto precision = static_cast<mgca::Precision>(state.range(0));
  task.module().to(mgca::bench::device());
  task.module().train();
  mgca::AdamW optimizer(task.module(), {});
  const auto loss = [&] {
    const mgca::AutocastScope autocast(precision, mgca::bench::device().type());
    return task.training_step(batch).loss;
  };
  mgca::bench::finish();
  for (auto _ : state) {
    optimizer.zero_grad();
    loss().backward();
    optimizer.step(5e-4);
    mgca::bench::finish();
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

void precisions(benchmark::internal::Benchmark* b) {
  b->ArgName("precision")->Arg(static_cast<int64_t>(mgca::Precision::f32))->Unit(benchmark::kMillisecond)->UseRealTime();
  if (mgca::bench::on_gpu()) b->Arg(static_cast<int64_t>(mgca::Precision::bf16));
}

}  // namespace

BENCHMARK(BM_TrainingStep_detection)->Apply(precisions);
BENCHMARK(BM_TrainingStep_unet)->Apply(precisions);
BENCHMARK(BM_TrainingStep_setr)->Apply(precisions);

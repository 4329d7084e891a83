// A pretraining step. Of the catalogue's small models, 16 pairs: forward, backward and update, each timed alone. On a GPU: whole steps of the
// published models, with all three losses and with ITA alone.
#include "axes.hpp"
#include "device.hpp"

#include <mgca/catalog.hpp>
#include <mgca/tensor/precision.hpp>
#include <mgca/train/optimizer.hpp>

#include <chrono>
#include <string>
#include <vector>

using namespace mgca::bench;

namespace {

enum class Part { forward, backward, update };

mgca::Tokens reports(const mgca::AlignmentModel& model, int64_t B) {
  const auto T = model.text_length();
  const auto exists = torch::constant_pad_nd(ragged(B, T - 2), {1, 1}, false);
  return {.ids = torch::randint(200, model.vocabulary(), {B, T}), .mask = torch::ones({B, T}, torch::kLong),
          .word_slot = torch::where(exists, torch::arange(-1, T - 1).expand({B, T}), torch::full({B, T}, -1, torch::kLong)), .words = exists.sum(1)};
}

// Every iteration is a whole step; only the named part counts.
void step(benchmark::State& state, const std::string& name, Part part) {
  constexpr int64_t B = 16;
  const auto model = mgca::create_model(name);
  model->to(device());
  model->train();
  mgca::AdamW optimizer(*model, {});
  const auto images = torch::randn({B, 3, model->image_size(), model->image_size()}, device());
  const auto tokens = reports(*model, B).to(device());
  for (auto _ : state) {
    double seconds = 0;
    const auto timed = [&](Part now, auto&& f) {
      const auto begin = std::chrono::steady_clock::now();
      f();
      finish();
      if (now == part) seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    optimizer.zero_grad();
    mgca::Tensor loss;
    timed(Part::forward, [&] { loss = model->losses({.images = images, .tokens = tokens}).total(); });
    timed(Part::backward, [&] { loss.backward(); });
    timed(Part::update, [&] { optimizer.step(2e-5); });
    state.SetIterationTime(seconds);
  }
}

struct WholeStep {
  std::string title, name;
  std::vector<std::string> overrides;
  mgca::Precision precision;
};

// `pairs` is the first axis. The pictures travel to the device in every step.
void whole_step(benchmark::State& state, const WholeStep& what) {
  const auto B = state.range(0);
  const auto model = mgca::create_model(what.name, what.overrides);
  model->to(device());
  model->train();
  mgca::AdamW optimizer(*model, {});
  auto images = torch::randint(256, {B, 1, model->image_size(), model->image_size()}, torch::kUInt8);
  images = images.pin_memory();
  const auto tokens = reports(*model, B);
  const auto one = [&] {
    optimizer.zero_grad();
    mgca::Tensor loss;
    {
      const mgca::AutocastScope autocast(what.precision, device().type());
      loss = model->losses({.images = mgca::network_input(images, device()), .tokens = tokens.to(device())}).total();
    }
    loss.backward();
    optimizer.step(2e-5);
    finish();
  };
  for (int warm = 0; warm < 5; ++warm) one();
  for (auto _ : state) one();
  state.counters["pairs/s"] = benchmark::Counter(static_cast<double>(B), benchmark::Counter::kIsIterationInvariantRate);
}

void manual(Benchmark* b) { b->UseManualTime()->Unit(benchmark::kMillisecond); }

const bool registered = [] {
  for (const std::string name : {"mgca-vit-tiny", "mgca-resnet-small"}) {
    for (const auto& [title, which] : {std::pair("forward", Part::forward), std::pair("backward", Part::backward), std::pair("update", Part::update)}) {
      manual(benchmark::RegisterBenchmark(("BM_PretrainStep/" + name + "/" + title).c_str(),
                                        [name, which = which](benchmark::State& state) { step(state, name, which); }));
    }
  }
  if (!on_gpu()) return true;
  const std::vector<std::string> ita{"token_weight=0", "prototype_weight=0"};
  for (const WholeStep& what : {WholeStep{"mgca-vit-b16/f32", "mgca-vit-b16", {}, mgca::Precision::f32},
                                WholeStep{"mgca-vit-b16/bf16", "mgca-vit-b16", {}, mgca::Precision::bf16},
                                WholeStep{"mgca-vit-b16-ita/f32", "mgca-vit-b16", ita, mgca::Precision::f32},
                                WholeStep{"mgca-vit-b16-ita/bf16", "mgca-vit-b16", ita, mgca::Precision::bf16},
                                WholeStep{"mgca-resnet50/f32", "mgca-resnet50", {}, mgca::Precision::f32},
                                WholeStep{"mgca-resnet50/bf16", "mgca-resnet50", {}, mgca::Precision::bf16}}) {
    benchmark::RegisterBenchmark(("BM_PretrainStep/" + what.title).c_str(), [what](benchmark::State& state) { whole_step(state, what); })
        ->ArgName("pairs")->Arg(72)->Arg(144)->Unit(benchmark::kMillisecond)->UseRealTime();
  }
  return true;
}();

}  // namespace

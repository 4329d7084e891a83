// A pretraining step of the catalogue's small models, 16 pairs: forward, backward and update, each timed alone.
#include "axes.hpp"

#include <mgca/catalog.hpp>
#include <mgca/train/optimizer.hpp>

#include <chrono>
#include <string>

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
  model->train();
  mgca::AdamW optimizer(*model, {});
  const auto images = torch::randn({B, 3, model->image_size(), model->image_size()});
  const auto tokens = reports(*model, B);
  for (auto _ : state) {
    double seconds = 0;
    const auto timed = [&](Part now, auto&& f) {
      const auto begin = std::chrono::steady_clock::now();
      f();
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

void manual(Benchmark* b) { b->UseManualTime()->Unit(benchmark::kMillisecond); }

const bool registered = [] {
  for (const std::string name : {"mgca-vit-tiny", "mgca-resnet-small"}) {
    for (const auto& [title, which] : {std::pair("forward", Part::forward), std::pair("backward", Part::backward), std::pair("update", Part::update)}) {
      manual(benchmark::RegisterBenchmark(("BM_PretrainStep/" + name + "/" + title).c_str(),
                                        [name, which = which](benchmark::State& state) { step(state, name, which); }));
    }
  }
  return true;
}();

}  // namespace

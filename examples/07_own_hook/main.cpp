// A hook is any struct with any of the event functions: here one that watches the longest step.
#include <mgca/catalog.hpp>
#include <mgca/mgca.hpp>

#include <chrono>
#include <iostream>

struct SlowestStep {
  std::chrono::steady_clock::time_point before = std::chrono::steady_clock::now();
  double seconds = 0;
  int64_t at = 0;

  void after_step(const mgca::Progress& progress) {
    const auto now = std::chrono::steady_clock::now();
    if (const double took = std::chrono::duration<double>(now - before).count(); took > seconds) seconds = took, at = progress.step;
    before = now;
  }
  void after_epoch(const mgca::Progress& progress, mgca::Values& values) {
    std::cout << "epoch " << progress.epoch << ": loss " << values.at("loss") << '\n';
  }
};

int main(int argc, char** argv) {
  const std::filesystem::path data = argc > 1 ? argv[1] : "examples/data";
  const mgca::SyntheticStudies studies({.count = 64, .seed = 1});
  const auto model = mgca::create_model("mgca-vit-tiny");
  const mgca::WordPiece tokenizer(mgca::Vocabulary::read(data / "vocab" / "bert-base-cased-vocab.txt"), {.length = model->text_length()});
  const mgca::StudySource source(studies, tokenizer, {.stored_side = 64, .augmentation = {.crop = 64}});
  const mgca::Loader batches(source, {.batch_size = 16});
  mgca::PretrainTask task(model);
  mgca::FitOptions options;
  options.epochs = 2;
  SlowestStep slowest;
  mgca::fit(task, batches, options, slowest);
  std::cout << "ok: step " << slowest.at << " was the slowest, " << slowest.seconds << " s\n";
}

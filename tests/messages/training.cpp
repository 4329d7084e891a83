// Encoders, tasks, sources and hooks with one member less than the library asks for.
#include <mgca/align/mgca.hpp>
#include <mgca/train/trainer.hpp>

struct NoWidthImpl : torch::nn::Module {
  struct Config {};
  explicit NoWidthImpl(const Config&) {}
  mgca::Features forward(const mgca::Tensor& images);
  int64_t global_width() const;
};
struct OtherForwardImpl : mgca::archetype::ImageEncoderImpl {
  using ImageEncoderImpl::ImageEncoderImpl;
  mgca::Tensor forward(const mgca::Tensor& images);
};
struct Bare {};
using Text = mgca::Handle<mgca::archetype::TextEncoderImpl>;
using NoWidth = mgca::Mgca<mgca::Handle<NoWidthImpl>, Text>;
using OtherForward = mgca::Mgca<mgca::Handle<OtherForwardImpl>, Text>;
using NoModule = mgca::Mgca<Bare, Text>;

struct Source {
  using Batch = int;
  struct Batches {
    std::optional<int> next();
  };
  int64_t batches_per_epoch() const;
  Batches epoch_batches(int64_t epoch, int64_t first) const;
};
struct NoCount {
  using Batch = int;
};
struct Task {
  torch::nn::Module& module();
  mgca::StepResult training_step(int batch);
};
struct NoStep {
  torch::nn::Module& module();
};
struct NoEvent {
  void after_every_step(const mgca::Progress& at);
};

void use(Task& task, NoStep& no_step, Source& source, NoCount& no_count, NoEvent& no_event) {
  NoWidth({});                          // expected: an encoder lacks local_width() -> int64_t, see mgca/encoders/concepts.hpp
  OtherForward({});                     // expected: an encoder lacks forward(input) -> mgca::Features, where the input is
  NoModule({});                         // expected: an encoder is a mgca::Handle of a torch::nn::Module, see mgca/encoders/concepts.hpp
  mgca::fit(no_step, source, {});       // expected: fit: a task lacks training_step(const Batch&) -> mgca::StepResult
  mgca::fit(task, no_count, {});        // expected: fit: a source of batches lacks batches_per_epoch() const -> int64_t, see mgca/train/task.hpp
  mgca::fit(task, source, {}, no_event);  // expected: fit: a hook has none of before_epoch, after_step
}

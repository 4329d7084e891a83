// What a training run is told, and what it tells back.
#pragma once

#include <mgca/core/config.hpp>
#include <mgca/core/error.hpp>
#include <mgca/core/event.hpp>
#include <mgca/core/file.hpp>
#include <mgca/tensor/precision.hpp>
#include <mgca/train/agreement.hpp>
#include <mgca/train/gradient_average.hpp>
#include <mgca/train/optimizer.hpp>
#include <mgca/train/run_lock.hpp>
#include <mgca/train/schedule.hpp>
#include <mgca/train/task.hpp>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace mgca {

// Where a run lives and who watches it; all of it optional.
struct RunContext {
  std::filesystem::path folder;                 // checkpoints/ is made below it; empty: nothing is written
  std::map<std::string, std::string> identity;  // what a resumed run must agree with: hashes of configuration, data, ...
  EventSink sink;
  const std::atomic<bool>* stop = nullptr;      // looked at after every step and between validation batches; true: save and return
  Files* files = nullptr;                       // how checkpoints are written; nullptr: the operating system's files
  const RunLock* lock = nullptr;                // the folder's, where the caller holds it already; nullptr: fit takes it
  Ranks* ranks = nullptr;                       // those that train together; nullptr: this process alone. Rank 0 alone writes and tells events
};

struct FitOptions {
  int64_t epochs = 50;
  ScheduleConfig schedule;
  AdamWConfig optimizer;
  int64_t accumulation = 1;        // batches per optimiser step
  Precision precision = Precision::f32;
  uint64_t seed = 42;              // of dropout; the order of batches has its own seed
  int64_t report_every = 20;       // steps between reports; each waits for the device once
  int64_t checkpoint_every = 500;  // steps between checkpoints; every epoch ends with one
  int64_t keep_checkpoints = 2;
  int64_t patience_non_finite = 3; // steps in a row without a finite gradient before the run stops; looked at with each report
  GradientOptions gradients;       // between ranks
  RunContext run;

  static void describe(auto& self, auto&& field) {
    field("epochs", self.epochs, "passes over the data; 0: nothing is trained");
    field("schedule", self.schedule, "learning rate");
    field("optimizer", self.optimizer, "AdamW");
    field("accumulation", self.accumulation, "batches per optimiser step");
    field("precision", self.precision, "number type of matrix products");
    field("seed", self.seed, "seed of dropout");
    field("report_every", self.report_every, "steps between reports");
    field("checkpoint_every", self.checkpoint_every, "steps between checkpoints; every epoch ends with one");
    field("keep_checkpoints", self.keep_checkpoints, "generations kept");
    field("patience_non_finite", self.patience_non_finite, "steps in a row without a finite gradient before the run stops");
    field("gradients", self.gradients, "gradients between ranks");
  }
  void validate() const {
    schedule.validate();
    optimizer.validate();
    gradients.validate();
    MGCA_CHECK(epochs >= 0 && accumulation > 0 && report_every > 0 && checkpoint_every > 0 && patience_non_finite > 0,
               "fit: expected epochs >= 0 and positive accumulation, report_every, checkpoint_every and patience_non_finite, got ", epochs, ", ",
               accumulation, ", ", report_every, ", ", checkpoint_every, ", ", patience_non_finite);
    MGCA_CHECK(keep_checkpoints >= 2, "fit: keep_checkpoints must be 2 or more, so that a whole generation always exists; got ", keep_checkpoints);
  }
};

enum class FitEnd : uint8_t { finished, stopped_early, interrupted };

struct FitResult {
  Progress progress;
  FitEnd end = FitEnd::finished;
};

// The options that decide the result, by path, as JSON. The others may change when a run is resumed.
[[nodiscard]] inline std::map<std::string, std::string> deciding_options(const FitOptions& options) {
  static const std::set<std::string> free{"report_every", "checkpoint_every", "keep_checkpoints", "patience_non_finite", "gradients.bucket_bytes"};
  std::map<std::string, std::string> deciding;
  for (const auto& row : option_table(options)) {
    if (!free.contains(row.path)) deciding[row.path] = row.value;
  }
  return deciding;
}

}  // namespace mgca

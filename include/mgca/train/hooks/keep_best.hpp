// Writes the weights of the best epoch so far; never those of an epoch whose value is no number.
#pragma once

#include <mgca/tensor/weights_file.hpp>
#include <mgca/train/hooks/early_stop.hpp>

#include <filesystem>
#include <utility>

namespace mgca {

struct KeepBestOptions {
  std::filesystem::path path;  // of the weights file
  std::string monitor = "val_loss";
  Better better = Better::smaller;
  std::map<std::string, std::string> metadata;  // written into the file
};

class KeepBest {
 public:
  static constexpr std::string_view name = "keep_best";

  // Keeps a reference to the module.
  KeepBest(const torch::nn::Module& module, KeepBestOptions options) : module_(&module), options_(std::move(options)) {}

  static void describe(auto& self, auto&& field) {
    field("best", self.best_, "best value so far");
    field("epoch", self.epoch_, "epoch it belongs to");
  }

  void after_epoch(const Progress& at, Values& values) {
    const double value = monitored(values, options_.monitor);
    if (!improves(value, best_, options_.better)) return;
    if (at.writes()) write_weights(options_.path, {state_dict(*module_), options_.metadata});
    best_ = value;
    epoch_ = at.epoch;
  }

  [[nodiscard]] std::optional<double> best() const { return best_; }
  [[nodiscard]] int64_t epoch() const { return epoch_; }

 private:
  const torch::nn::Module* module_;
  KeepBestOptions options_;
  std::optional<double> best_;
  int64_t epoch_ = -1;
};

}  // namespace mgca

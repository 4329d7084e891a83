// Reports and epochs as TensorBoard scalars: "train/loss" per report, "epoch/val_loss" per epoch.
#pragma once

#include <mgca/io/event_file.hpp>
#include <mgca/train/task.hpp>

#include <filesystem>
#include <string>

namespace mgca {

class TensorBoard {
 public:
  // Begins a new event file in the folder; a resumed run adds one more, which the viewer joins.
  explicit TensorBoard(const std::filesystem::path& folder) : file_(folder) {}

  void on_report(const Progress& at, const Values& values) {
    for (const auto& [value_name, value] : values) file_.add({"train/" + value_name, value, at.step});
    file_.add({"train/learning_rate", at.learning_rate, at.step});
  }
  void after_epoch(const Progress& at, Values& values) {
    for (const auto& [value_name, value] : values) file_.add({"epoch/" + value_name, value, at.epoch});
  }

 private:
  io::EventFile file_;
};

}  // namespace mgca

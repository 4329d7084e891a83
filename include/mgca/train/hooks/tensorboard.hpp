// Reports and epochs as TensorBoard scalars: "train/loss" per report, "epoch/val_loss" per epoch.
#pragma once

#include <mgca/io/event_file.hpp>
#include <mgca/train/task.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace mgca {

class TensorBoard {
 public:
  // Training begins a new event file in the folder; a resumed run adds one more, which the viewer joins.
  explicit TensorBoard(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void before_epoch(const Progress& at) { open(at); }
  void on_report(const Progress& at, const Values& values) {
    for (const auto& [value_name, value] : values) add(at, {"train/" + value_name, value, at.step});
    add(at, {"train/learning_rate", at.learning_rate, at.step});
  }
  void after_epoch(const Progress& at, Values& values) {
    for (const auto& [value_name, value] : values) add(at, {"epoch/" + value_name, value, at.epoch});
  }

 private:
  void add(const Progress& at, const io::ScalarEvent& event) {
    open(at);  // a run that goes on in the middle of an epoch
    if (file_) file_->add(event);
  }
  void open(const Progress& at) {
    if (at.writes() && !file_) file_.emplace(folder_);
  }

  std::filesystem::path folder_;
  std::optional<io::EventFile> file_;
};

}  // namespace mgca

// One row per epoch: in memory, and as history.csv where a path is given.
// The file is replaced as a whole from what the checkpoint remembers, so a resumed run has no row twice. A value that is no
// finite number is left out.
#pragma once

#include <mgca/core/file.hpp>
#include <mgca/train/task.hpp>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

struct HistoryRow {
  int64_t epoch = 0;
  int64_t step = 0;
  Values values;

  static void describe(auto& self, auto&& field) {
    field("epoch", self.epoch, "epoch, counted from 0");
    field("step", self.step, "optimiser steps done");
    field("values", self.values, "means of the epoch");
  }
};

class History {
 public:
  static constexpr std::string_view name = "history";

  explicit History(std::filesystem::path csv = {}) : csv_(std::move(csv)) {}

  static void describe(auto& self, auto&& field) { field("rows", self.rows_, "one per epoch"); }

  void after_epoch(const Progress& at, Values& values) {
    auto& row = rows_.emplace_back(HistoryRow{.epoch = at.epoch, .step = at.step, .values = values});
    std::erase_if(row.values, [](const auto& value) { return !std::isfinite(value.second); });  // an empty cell; JSON has no such number
    row.values["learning_rate"] = at.learning_rate;
    write(at);
  }
  void resumed(const Progress& at) { write(at); }

  [[nodiscard]] const std::vector<HistoryRow>& rows() const { return rows_; }
  // The values of one column, epoch by epoch; epochs without it are left out.
  [[nodiscard]] std::vector<double> column(const std::string& column_name) const {
    std::vector<double> values;
    for (const auto& row : rows_) {
      if (const auto it = row.values.find(column_name); it != row.values.end()) values.push_back(it->second);
    }
    return values;
  }
  // Is the last value below the first?
  [[nodiscard]] bool fell(const std::string& column_name) const {
    const auto values = column(column_name);
    return values.size() >= 2 && values.back() < values.front();
  }

 private:
  void write(const Progress& at) const {
    if (csv_.empty() || !at.writes()) return;
    std::set<std::string> columns;
    for (const auto& row : rows_) {
      for (const auto& [column_name, value] : row.values) columns.insert(column_name);
    }
    std::string text = "epoch,step";
    for (const auto& column_name : columns) text += "," + column_name;
    text += "\n";
    for (const auto& row : rows_) {
      text += std::to_string(row.epoch) + "," + std::to_string(row.step);
      for (const auto& column_name : columns) {
        const auto it = row.values.find(column_name);
        char number[32] = "";
        if (it != row.values.end()) std::snprintf(number, sizeof number, "%.9g", it->second);
        text += std::string(",") + number;
      }
      text += "\n";
    }
    atomic_write(posix_files(), csv_, text);
  }

  std::filesystem::path csv_;
  std::vector<HistoryRow> rows_;
};

}  // namespace mgca

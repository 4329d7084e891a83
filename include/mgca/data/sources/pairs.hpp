// Image-report pairs from a CSV table, with labels and boxes from tables beside it where there are some.
// Paths are relative to the table and may not leave its folder.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/data/dataset.hpp>
#include <mgca/io/csv.hpp>
#include <mgca/io/image_file.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mgca {

struct PairsConfig {
  std::filesystem::path table;                // CSV with one row per pair
  std::string image_column = "image";
  std::string report_column = "report";
  std::string patient_column = "patient";     // may be absent from the table
  std::string split_column = "split";         // may be absent from the table
  std::filesystem::path labels;               // CSV with an image column and 0/1 columns; empty: no labels
  std::vector<std::string> label_columns;     // which; all must exist
  std::filesystem::path boxes;                // CSV with image, label, x, y, w, h; empty: no boxes

  static void describe(auto& self, auto&& field) {
    field("table", self.table, "CSV with one row per pair");
    field("image_column", self.image_column, "column with the image path, relative to the table");
    field("report_column", self.report_column, "column with the report");
    field("patient_column", self.patient_column, "column with the patient; may be absent");
    field("split_column", self.split_column, "column with the split; may be absent");
    field("labels", self.labels, "CSV with an image column and 0/1 columns");
    field("label_columns", self.label_columns, "columns that are labels");
    field("boxes", self.boxes, "CSV with image, label, x, y, w, h");
  }
};

class PairStudies {
 public:
  // Reads the tables, not the images. Throws Error(system) or Error(data) with file, row and column.
  explicit PairStudies(PairsConfig config) : config_(std::move(config)), label_names_(config_.label_columns) {
    root_ = config_.table.has_parent_path() ? config_.table.parent_path() : std::filesystem::path(".");
    auto table = io::CsvTable::read(config_.table);
    const auto image = table.column(config_.image_column), report = table.column(config_.report_column);
    const auto patient = table.find(config_.patient_column), split = table.find(config_.split_column);
    table.for_each([&](const io::CsvRow& row) {
      Study study{.row = row.number(), .image = inside(row.at(image), row), .report = row.at(report)};
      if (patient) study.patient = row.at(*patient);
      if (split) study.split = row.at(*split);
      study.labels.assign(label_names_.size(), kUnknownLabel);
      studies_.push_back(std::move(study));
    });
    if (studies_.empty()) fail(ErrorKind::data, config_.table.string(), ": the table has no row");
    if (!config_.labels.empty()) read_labels();
    if (!config_.boxes.empty()) read_boxes();
  }

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(studies_.size()); }
  [[nodiscard]] const Study& record(std::int64_t i) const { return studies_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] const std::vector<std::string>& label_names() const { return label_names_; }
  // Throws Error with table and row before the reason.
  [[nodiscard]] GreyImage image(std::int64_t i) const {
    try {
      return io::read_image(root_ / record(i).image);
    } catch (const Error& error) {
      fail(error.kind(), config_.table.string(), ": row ", record(i).row, ": ", error.what());
    }
  }

 private:
  static std::filesystem::path inside(const std::string& text, const io::CsvRow& row) {
    const auto path = std::filesystem::path(text).lexically_normal();
    if (text.empty() || path.is_absolute() || path.begin()->string() == "..") {
      fail(ErrorKind::data, row.place(), ": the image path is empty or leaves the table's folder; use a path below it");
    }
    return path;
  }

  // The studies by image path; an image in two rows belongs to both.
  [[nodiscard]] std::multimap<std::string, std::size_t> by_image() const {
    std::multimap<std::string, std::size_t> index;
    for (std::size_t i = 0; i < studies_.size(); ++i) index.emplace(studies_[i].image.generic_string(), i);
    return index;
  }

  void read_labels() {
    auto table = io::CsvTable::read(config_.labels);
    const auto image = table.column(config_.image_column);
    std::vector<std::size_t> columns;
    for (const auto& name : label_names_) columns.push_back(table.column(name));
    const auto index = by_image();
    std::vector<bool> labelled(studies_.size(), false);
    table.for_each([&](const io::CsvRow& row) {
      const auto [first, last] = index.equal_range(inside(row.at(image), row).generic_string());
      for (auto it = first; it != last; ++it) {
        if (labelled[it->second]) fail(ErrorKind::data, row.place(), ": a second row of labels for the same image");
        labelled[it->second] = true;
        for (std::size_t c = 0; c < columns.size(); ++c) {
          const auto value = row.number_at(columns[c]);
          if (value && *value != 0 && *value != 1) row.wrong(columns[c], "0, 1 or nothing");
          studies_[it->second].labels[c] = value ? static_cast<float>(*value) : kUnknownLabel;
        }
      }
    });
    for (std::size_t i = 0; i < labelled.size(); ++i) {
      if (!labelled[i]) fail(ErrorKind::data, config_.labels.string(), ": no labels for row ", studies_[i].row, " of ", config_.table.string());
    }
  }

  void read_boxes() {
    auto table = io::CsvTable::read(config_.boxes);
    const auto image = table.column(config_.image_column), label = table.column("label");
    const std::array<std::size_t, 4> sides{table.column("x"), table.column("y"), table.column("w"), table.column("h")};
    const auto index = by_image();
    table.for_each([&](const io::CsvRow& row) {
      std::array<double, 4> v{};
      for (std::size_t k = 0; k < 4; ++k) {
        const auto value = row.number_at(sides[k]);
        if (!value || *value < 0 || (k >= 2 && *value == 0)) row.wrong(sides[k], k < 2 ? "a number of 0 or more" : "a positive number");
        v[k] = *value;
      }
      const auto [first, last] = index.equal_range(inside(row.at(image), row).generic_string());
      if (first == last) fail(ErrorKind::data, row.place(), ": its image is in no row of ", config_.table.string());
      for (auto it = first; it != last; ++it) {
        studies_[it->second].boxes.push_back({row.at(label), box_of(CornerSize{.x = v[0], .y = v[1], .width = v[2], .height = v[3]})});
      }
    });
  }

  PairsConfig config_;
  std::vector<std::string> label_names_;
  std::filesystem::path root_;
  std::vector<Study> studies_;
};

static_assert(Dataset<PairStudies>);

}  // namespace mgca

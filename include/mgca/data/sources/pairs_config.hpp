// Which tables and columns image-report pairs are read from.
#pragma once

#include <mgca/core/enum.hpp>
#include <mgca/data/split.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgca {

// Rows of labels, boxes or masks whose image is in no row of the table of pairs.
enum class ExtraRows : std::uint8_t {
  refuse,
  ignore,  // a whole published table stands beside a selection of pairs; PairStudies::extra_rows() counts them
};
constexpr auto names_of(ExtraRows) { return std::to_array<std::string_view>({"refuse", "ignore"}); }

// A column that keeps its default name may be absent from the tables, except image and report; a name set by hand must exist.
// An empty name: not read; without reports the studies serve for tasks that need none.
struct PairsConfig {
  std::filesystem::path table;                // CSV with one row per pair
  std::filesystem::path root;                 // folder the image paths are relative to; empty: that of the table
  std::string image_column = "image";
  std::string report_column = "report";
  std::string patient_column = "patient";
  std::string split_column = "split";
  std::string view_column = "view";           // this and the next two: in the table of pairs or, if not there, in that of the labels
  std::string age_column = "age";
  std::string sex_column = "sex";
  std::string percent_column = "percent";
  std::optional<SplitRule> split_rule;        // divides by patient where the table has no split
  std::filesystem::path labels;               // CSV with an image column and 0/1 columns; empty: no labels
  std::vector<std::string> label_columns;     // which; all must exist
  std::filesystem::path boxes;                // CSV with image, label, x, y, w, h; empty: no boxes
  std::filesystem::path masks;                // CSV with image, height, width, runs, and where there is one: undecided; empty: no masks
  ExtraRows extra_rows = ExtraRows::refuse;

  static void describe(auto& self, auto&& field) {
    field("table", self.table, "CSV with one row per pair");
    field("root", self.root, "folder the image paths are relative to; empty: that of the table");
    field("image_column", self.image_column, "column with the image path");
    field("report_column", self.report_column, "column with the report");
    field("patient_column", self.patient_column, "column with the patient; may be absent");
    field("split_column", self.split_column, "column with the split; may be absent");
    field("view_column", self.view_column, "column with PA, AP, LATERAL or LL, of the pairs or else of the labels; may be absent");
    field("age_column", self.age_column, "column with the age in years, likewise");
    field("sex_column", self.sex_column, "column with F, M or O, likewise");
    field("percent_column", self.percent_column, "column with the smallest training subset that holds the row: 1, 10 or 100; may be absent");
    field("split_rule", self.split_rule, "how to divide by patient where the table has no split: train, valid, seed");
    field("labels", self.labels, "CSV with an image column and 0/1 columns");
    field("label_columns", self.label_columns, "columns that are labels");
    field("boxes", self.boxes, "CSV with image, label, x, y, w, h");
    field("masks", self.masks, "CSV with image, height, width, runs, and where there is one: undecided");
    field("extra_rows", self.extra_rows, "rows of labels, boxes or masks whose image is in no pair");
  }
};

}  // namespace mgca

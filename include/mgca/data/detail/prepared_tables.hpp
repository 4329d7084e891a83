// The tables of a prepared folder, in the form that PairStudies reads.
#pragma once

#include <mgca/data/prepared.hpp>
#include <mgca/image/rle.hpp>
#include <mgca/io/csv.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace mgca::data::detail {

// A table while it is written.
class TableText {
 public:
  explicit TableText(const std::vector<std::string>& header) { row(header); }
  void row(const std::vector<std::string>& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) text_ += (i > 0 ? "," : "") + io::csv_cell(cells[i]);
    text_ += '\n';
    ++rows_;
  }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::int64_t rows() const { return rows_ - 1; }

 private:
  std::string text_;
  std::int64_t rows_ = 0;
};

// The shortest text that reads back as the same number.
inline std::string number_text(double value) {
  char text[32];
  const auto [end, code] = std::to_chars(text, text + sizeof text, value);
  return {text, end};
}

inline TableText studies_table(const Prepared& set) {
  std::vector<std::string> header{"image", "patient", "split", "percent", "view", "age", "sex"};
  if (set.has_reports) header.emplace_back("report");
  TableText table(header);
  for (const auto& s : set.studies) {
    std::vector<std::string> cells{s.image.generic_string(), s.patient, s.split, s.percent > 0 ? std::to_string(s.percent) : "",
                                   s.view == View::unknown ? "" : std::string(to_string(s.view)), s.age ? number_text(*s.age) : "",
                                   s.sex == Sex::unknown ? "" : std::string(to_string(s.sex))};
    if (set.has_reports) cells.push_back(s.report);
    table.row(cells);
  }
  return table;
}

// One row per image, for a study in two splits stands in two rows of the other table.
inline TableText labels_table(const Prepared& set) {
  std::vector<std::string> header{"image"};
  header.insert(header.end(), set.label_names.begin(), set.label_names.end());
  TableText table(header);
  std::set<std::string> done;
  for (const auto& s : set.studies) {
    std::vector<std::string> cells{s.image.generic_string()};
    if (!done.insert(cells[0]).second) continue;
    for (const float value : s.labels) cells.push_back(std::isnan(value) ? "" : value > 0.5F ? "1" : "0");
    table.row(cells);
  }
  return table;
}

inline TableText boxes_table(const Prepared& set) {
  TableText table({"image", "label", "x", "y", "w", "h"});
  std::set<std::string> done;
  for (const auto& s : set.studies) {
    if (!done.insert(s.image.generic_string()).second) continue;
    for (const auto& [label, box] : s.boxes) {
      table.row({s.image.generic_string(), label, number_text(box.x1), number_text(box.y1), number_text(box.x2 - box.x1), number_text(box.y2 - box.y1)});
    }
  }
  return table;
}

// The column of undecided pixels stands there where any mask has some.
inline TableText masks_table(const Prepared& set) {
  std::vector<std::string> header{"image", "height", "width", "runs"};
  const bool undecided = std::any_of(set.studies.begin(), set.studies.end(), [](const Study& s) { return s.mask && s.undecided; });
  if (undecided) header.emplace_back("undecided");
  TableText table(header);
  std::set<std::string> done;
  for (const auto& s : set.studies) {
    if (!s.mask || !done.insert(s.image.generic_string()).second) continue;
    const auto text = [](const RunLengthMask& mask) { return image::mask_text(mask, image::RunForm::absolute); };
    std::vector<std::string> cells{s.image.generic_string(), std::to_string(s.mask->height), std::to_string(s.mask->width), text(*s.mask)};
    if (undecided) cells.push_back(s.undecided ? text(*s.undecided) : "");
    table.row(cells);
  }
  return table;
}

}  // namespace mgca::data::detail

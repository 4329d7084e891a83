// Any table of pictures, with reports or labels, whose columns the user names.
#pragma once

#include <mgca/data/detail/study_cells.hpp>
#include <mgca/data/prepared.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mgca {

// A column that keeps its default name may be absent, except that of the images; a name set by hand must exist; an empty name: not read.
struct OwnPairsConfig {
  std::string table = "pairs.csv";  // in the raw folder
  std::string image_column = "image";
  std::string report_column = "report";
  std::string patient_column = "patient";
  std::string split_column = "split";
  std::string view_column = "view";
  std::string age_column = "age";
  std::string sex_column = "sex";
  std::vector<std::string> label_columns;
  bool replace_invalid_utf8 = false;
  double train = 0.7;
  double valid = 0.1;

  static void describe(auto& self, auto&& field) {
    field("table", self.table, "CSV with one row per picture, in the raw folder");
    field("image_column", self.image_column, "column with the path of the picture, relative to the raw folder");
    field("report_column", self.report_column, "column with the report; may be absent");
    field("patient_column", self.patient_column, "column with the patient; absent: each picture is of its own patient");
    field("split_column", self.split_column, "column with train, valid or test; absent: drawn by patient");
    field("view_column", self.view_column, "column with PA, AP, LATERAL or LL; may be absent");
    field("age_column", self.age_column, "column with the age in years; may be absent");
    field("sex_column", self.sex_column, "column with F, M or O; may be absent");
    field("label_columns", self.label_columns, "columns with 1, 0 or nothing");
    field("replace_invalid_utf8", self.replace_invalid_utf8, "put U+FFFD for bytes that are not UTF-8 instead of refusing the table");
    field("train", self.train, "share of the patients for training, where the table has no split");
    field("valid", self.valid, "share for validation; the rest is test");
  }
  void validate() const { SplitRule{.train = train, .valid = valid}.validate(); }
  friend bool operator==(const OwnPairsConfig&, const OwnPairsConfig&) = default;
};

namespace data {

// Rows whose report is empty are dropped where there is a column of reports. Throws Error(data) with file, row and column, never with a
// cell's content.
[[nodiscard]] inline Prepared prepare_pairs(RawFolder& raw, const OwnPairsConfig& config, const PrepareOptions& options) {
  config.validate();
  require_own_draws("pairs", options);
  if (const auto why = DataRoot::objection(config.table)) {
    fail(ErrorKind::config, "pairs: the name of the table ", *why, "; expected that of a file in the raw folder");
  }
  auto table = raw.table(config.table, {.invalid_utf8 = config.replace_invalid_utf8 ? InvalidUtf8::replace : InvalidUtf8::refuse});
  const OwnPairsConfig usual;
  const auto find = [&](const std::string& name, const std::string& default_name) -> detail::Column {
    if (name.empty()) return std::nullopt;
    return name == default_name ? table.find(name) : table.column(name);
  };
  const auto image = table.column(config.image_column);
  const auto report = find(config.report_column, usual.report_column), patient = find(config.patient_column, usual.patient_column),
             split = find(config.split_column, usual.split_column);
  const detail::DetailColumns details{find(config.view_column, usual.view_column), find(config.age_column, usual.age_column),
                                      find(config.sex_column, usual.sex_column)};
  std::vector<std::size_t> labels;
  for (const auto& name : config.label_columns) labels.push_back(table.column(name));

  Prepared set{.name = "pairs", .has_reports = report.has_value(), .label_names = config.label_columns};
  const SplitRule rule{.train = config.train, .valid = config.valid, .seed = options.seed};
  std::int64_t rows = 0;
  table.for_each([&](const io::CsvRow& row) {
    ++rows;
    Study study;
    study.image = detail::image_path(row, image);
    if (report) {
      const auto word = mgca::detail::lower_trimmed(row.at(*report));
      if (word == "nan" || word.find_first_not_of(" \t\r\n") == std::string::npos) return set.drop("the report is empty", row.place());
      study.report = row.at(*report);
    }
    if (patient && row.blank(*patient)) row.wrong(*patient, "a patient");
    study.patient = patient ? row.at(*patient) : study.image.generic_string();
    const auto named = split ? split_of_word(row.at(*split)) : split_of_patient(study.patient, rule);
    if (!named) row.wrong(*split, "train, valid or test");
    study.split = *named;
    detail::read_details(row, details, study);
    for (const auto column : labels) study.labels.push_back(detail::label_at(row, column));
    set.studies.push_back(std::move(study));
  });
  if (rows == 0) fail(ErrorKind::data, config.table, ": the table has no row; expected one per picture");
  if (!report && labels.empty()) {
    fail(ErrorKind::data, config.table, ": neither a column of reports ('", config.report_column, "') nor label columns; name some");
  }
  if (!patient) {
    set.notes.emplace_back(
        "There is no column of patients: each picture counts as a patient of its own, so that pictures of one patient in two splits go "
        "unseen.");
  }
  if (config.replace_invalid_utf8) set.notes.emplace_back("Bytes that are not UTF-8 were replaced by U+FFFD.");
  complete(set, raw, options);
  return set;
}

}  // namespace data
}  // namespace mgca

// Image-report pairs from a CSV table, with labels and boxes from tables beside it where there are some.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/data/data_root.hpp>
#include <mgca/data/dataset.hpp>
#include <mgca/data/split.hpp>
#include <mgca/io/csv.hpp>
#include <mgca/io/image_file.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mgca {

// Rows of labels or boxes whose image is in no row of the table of pairs.
enum class ExtraRows : std::uint8_t {
  refuse,
  ignore,  // a whole published table stands beside a selection of pairs; PairStudies::extra_rows() counts them
};
constexpr auto names_of(ExtraRows) { return std::to_array<std::string_view>({"refuse", "ignore"}); }

// A column that keeps its default name may be absent from the tables, except image and report; a name set by hand must exist.
// An empty name: not read.
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
  std::optional<SplitRule> split_rule;        // divides by patient where the table has no split
  std::filesystem::path labels;               // CSV with an image column and 0/1 columns; empty: no labels
  std::vector<std::string> label_columns;     // which; all must exist
  std::filesystem::path boxes;                // CSV with image, label, x, y, w, h; empty: no boxes
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
    field("split_rule", self.split_rule, "how to divide by patient where the table has no split: train, valid, seed");
    field("labels", self.labels, "CSV with an image column and 0/1 columns");
    field("label_columns", self.label_columns, "columns that are labels");
    field("boxes", self.boxes, "CSV with image, label, x, y, w, h");
    field("extra_rows", self.extra_rows, "rows of labels or boxes whose image is in no pair");
  }
};

class PairStudies {
 public:
  // How many rows of the tables beside the pairs were ignored.
  struct ExtraRowCounts {
    std::int64_t labels = 0;
    std::int64_t boxes = 0;
  };

  // Reads the tables, not the images. Throws Error(system) or Error(data) with file, row and column.
  explicit PairStudies(const PairsConfig& config) : PairStudies(config, io::CsvTable::read(config.table)) {}
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(studies_.size()); }
  [[nodiscard]] const Study& record(std::int64_t i) const { return studies_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] const std::vector<std::string>& label_names() const { return label_names_; }
  [[nodiscard]] const ExtraRowCounts& extra_rows() const { return extra_; }
  // Throws Error with table and row before the reason; Error(data) for a path that leads out of the root.
  [[nodiscard]] GreyImage image(std::int64_t i) const {
    return told_by_row(i, [&] { return io::decode_image(root_.read(record(i).image), record(i).image.generic_string()); });
  }
  // The image file as it is; throws likewise.
  [[nodiscard]] std::vector<std::byte> image_bytes(std::int64_t i) const {
    return told_by_row(i, [&] { return root_.read(record(i).image); });
  }

 private:
  PairStudies(const PairsConfig& config, io::CsvTable table)
      : config_(config), root_(config.root.empty() ? config.table.parent_path() : config.root), label_names_(config.label_columns) {
    std::optional<io::CsvTable> labels;
    if (!config_.labels.empty()) labels = io::CsvTable::read(config_.labels);
    require_chosen_columns(table, labels);
    const auto images = read_pairs(table);
    if (labels) read_labels(*labels, images, details_in(table));
    if (!config_.boxes.empty()) read_boxes(images);
  }

  template <class Read>
  [[nodiscard]] std::invoke_result_t<Read> told_by_row(std::int64_t i, const Read& read) const {
    try {
      return read();
    } catch (const Error& error) {
      fail(error.kind(), config_.table.string(), ": row ", record(i).row, ": ", error.what());
    }
  }

  using Column = std::optional<std::size_t>;
  using ImageIndex = std::multimap<std::string, std::size_t>;  // studies by image; an image in two rows belongs to both
  struct Details {
    Column view, age, sex;
  };

  static Column find(const io::CsvTable& table, const std::string& name) { return name.empty() ? Column() : table.find(name); }
  [[nodiscard]] Details details_in(const io::CsvTable& table) const {
    return {find(table, config_.view_column), find(table, config_.age_column), find(table, config_.sex_column)};
  }

  void require_chosen_columns(const io::CsvTable& table, const std::optional<io::CsvTable>& labels) const {
    const PairsConfig usual;
    const auto chosen = [](const std::string& name, const std::string& default_name) { return !name.empty() && name != default_name; };
    if (chosen(config_.patient_column, usual.patient_column)) (void)table.column(config_.patient_column);
    if (chosen(config_.split_column, usual.split_column)) (void)table.column(config_.split_column);
    for (const auto& [name, default_name] : {std::pair(config_.view_column, usual.view_column), std::pair(config_.age_column, usual.age_column),
                                             std::pair(config_.sex_column, usual.sex_column)}) {
      if (chosen(name, default_name) && !(labels && labels->find(name))) (void)table.column(name);
    }
  }

  static std::filesystem::path image_path(const io::CsvRow& row, std::size_t column) {
    if (const auto why = DataRoot::objection(row.at(column))) {
      fail(ErrorKind::data, row.place(), ": the image path ", *why, "; write the path of a file relative to the data folder and below it, with '/'");
    }
    return std::filesystem::path(row.at(column)).lexically_normal();
  }

  static void read_details(const io::CsvRow& row, const Details& columns, Study& study) {
    if (columns.view) {
      const auto view = view_of(row.at(*columns.view));
      if (!view) row.wrong(*columns.view, "PA, AP, LATERAL, LL or nothing");
      study.view = *view;
    }
    if (columns.age) {
      study.age = row.number_at(*columns.age);
      if (study.age && (*study.age < 0 || *study.age > 150)) row.wrong(*columns.age, "an age in years, 0 to 150, or nothing");
    }
    if (columns.sex) {
      const auto sex = sex_of(row.at(*columns.sex));
      if (!sex) row.wrong(*columns.sex, "F, M, O or nothing");
      study.sex = *sex;
    }
  }

  ImageIndex read_pairs(io::CsvTable& table) {
    ImageIndex images;
    const auto image = table.column(config_.image_column), report = table.column(config_.report_column);
    const auto patient = find(table, config_.patient_column), split = find(table, config_.split_column);
    const auto details = details_in(table);
    if (config_.split_rule && (split || !patient)) {
      fail(ErrorKind::data, config_.table.string(), split ? ": has a split of its own; leave out split_rule, or set split_column to nothing"
                                                          : ": split_rule divides by patient, but there is no patient column; name it in patient_column");
    }
    table.for_each([&](const io::CsvRow& row) {
      Study study{.row = row.number(), .image = image_path(row, image), .report = row.at(report)};
      if (patient) study.patient = row.at(*patient);
      if (split) study.split = row.at(*split);
      if (config_.split_rule) {
        if (study.patient.empty()) row.wrong(*patient, "a patient, by which split_rule divides");
        study.split = data::split_of_patient(study.patient, *config_.split_rule);
      }
      read_details(row, details, study);
      study.labels.assign(label_names_.size(), kUnknownLabel);
      images.emplace(study.image.generic_string(), studies_.size());
      studies_.push_back(std::move(study));
    });
    if (studies_.empty()) fail(ErrorKind::data, config_.table.string(), ": the table has no row; expected one per pair");
    return images;
  }

  // Calls `use(row, study)` for each row of a table beside the pairs and each study of its image, and returns how many rows
  // had none. Throws Error(data) naming the first such row unless they are to be ignored.
  template <class Use>
  std::int64_t for_each_joined(io::CsvTable& table, const ImageIndex& images, Use&& use) {
    const auto image = table.column(config_.image_column);
    std::int64_t extra = 0;
    std::string first_place;
    table.for_each([&](const io::CsvRow& row) {
      const auto [first, last] = images.equal_range(image_path(row, image).generic_string());
      if (first == last && extra++ == 0) first_place = row.place();
      for (auto it = first; it != last; ++it) use(row, it->second);
    });
    if (extra > 0 && config_.extra_rows == ExtraRows::refuse) {
      fail(ErrorKind::data, first_place, ": its image is in no row of ", config_.table.string(), " (rows like this: ", extra,
           "); remove them, or set extra_rows to ignore where this table is meant to cover more images");
    }
    return extra;
  }

  void read_labels(io::CsvTable& table, const ImageIndex& images, const Details& in_pairs) {
    std::vector<std::size_t> columns;
    for (const auto& name : label_names_) columns.push_back(table.column(name));
    auto details = details_in(table);
    if (in_pairs.view) details.view.reset();
    if (in_pairs.age) details.age.reset();
    if (in_pairs.sex) details.sex.reset();
    std::vector<bool> labelled(studies_.size(), false);
    extra_.labels = for_each_joined(table, images, [&](const io::CsvRow& row, std::size_t i) {
      if (labelled[i]) fail(ErrorKind::data, row.place(), ": a second row of labels for the same image; keep one");
      labelled[i] = true;
      read_details(row, details, studies_[i]);
      for (std::size_t c = 0; c < columns.size(); ++c) {
        const auto value = row.number_at(columns[c]);
        if (value && *value != 0 && *value != 1) row.wrong(columns[c], "0, 1 or nothing");
        studies_[i].labels[c] = value ? static_cast<float>(*value) : kUnknownLabel;
      }
    });
    for (std::size_t i = 0; i < labelled.size(); ++i) {
      if (!labelled[i]) {
        fail(ErrorKind::data, config_.labels.string(), ": no labels for row ", studies_[i].row, " of ", config_.table.string(), "; add a row, with empty cells where nothing is known");
      }
    }
  }

  void read_boxes(const ImageIndex& images) {
    auto table = io::CsvTable::read(config_.boxes);
    const auto label = table.column("label");
    const std::array<std::size_t, 4> sides{table.column("x"), table.column("y"), table.column("w"), table.column("h")};
    extra_.boxes = for_each_joined(table, images, [&](const io::CsvRow& row, std::size_t i) {
      std::array<double, 4> v{};
      for (std::size_t k = 0; k < 4; ++k) {
        const auto value = row.number_at(sides[k]);
        if (!value || *value < 0 || (k >= 2 && *value == 0)) row.wrong(sides[k], k < 2 ? "a number of 0 or more" : "a positive number");
        v[k] = *value;
      }
      studies_[i].boxes.push_back({row.at(label), box_of(CornerSize{.x = v[0], .y = v[1], .width = v[2], .height = v[3]})});
    });
  }

  PairsConfig config_;
  DataRoot root_;
  std::vector<std::string> label_names_;
  std::vector<Study> studies_;
  ExtraRowCounts extra_;
};

static_assert(Dataset<PairStudies>);

}  // namespace mgca

// Image-report pairs from a CSV table, with labels and boxes from tables beside it where there are some.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/data/data_root.hpp>
#include <mgca/data/dataset.hpp>
#include <mgca/data/detail/study_cells.hpp>
#include <mgca/data/sources/pairs_config.hpp>
#include <mgca/data/split.hpp>
#include <mgca/io/csv.hpp>
#include <mgca/io/image_file.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mgca {

// Told about a row that cannot be used: file, row and why.
using BadRow = std::function<void(const std::string& what)>;

class PairStudies {
 public:
  // How many rows of the tables beside the pairs were ignored.
  struct ExtraRowCounts {
    std::int64_t labels = 0;
    std::int64_t boxes = 0;
    std::int64_t masks = 0;
  };

  // Reads the tables, not the images. Throws Error(system) or Error(data) with file, row and column. With `on_bad_row`, rows that cannot be
  // used are told and left out, so that one pass finds them all; what then remains is for looking at, not for training.
  explicit PairStudies(const PairsConfig& config, BadRow on_bad_row = {}) : PairStudies(config, std::move(on_bad_row), io::CsvTable::read(config.table)) {}
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
  // Changes with the file's size or time of modification; 0: there is no file.
  [[nodiscard]] std::uint64_t image_stamp(std::int64_t i) const { return root_.stamp(record(i).image); }

 private:
  PairStudies(const PairsConfig& config, BadRow on_bad_row, io::CsvTable table)
      : config_(config), on_bad_row_(std::move(on_bad_row)), root_(config.root.empty() ? config.table.parent_path() : config.root), label_names_(config.label_columns) {
    std::optional<io::CsvTable> labels;
    if (!config_.labels.empty()) labels = io::CsvTable::read(config_.labels);
    require_chosen_columns(table, labels);
    const auto images = read_pairs(table);
    if (labels) read_labels(*labels, images, details_in(table));
    if (!config_.boxes.empty()) read_boxes(images);
    if (!config_.masks.empty()) read_masks(images);
  }

  template <class Read>
  [[nodiscard]] std::invoke_result_t<Read> told_by_row(std::int64_t i, const Read& read) const {
    try {
      return read();
    } catch (const Error& error) {
      fail(error.kind(), config_.table.string(), ": row ", record(i).row, ": ", error.what());
    }
  }

  using Column = data::detail::Column;
  using Details = data::detail::DetailColumns;
  using ImageIndex = std::multimap<std::string, std::size_t>;  // studies by image; an image in two rows belongs to both

  static Column find(const io::CsvTable& table, const std::string& name) { return name.empty() ? Column() : table.find(name); }
  [[nodiscard]] Details details_in(const io::CsvTable& table) const {
    return {find(table, config_.view_column), find(table, config_.age_column), find(table, config_.sex_column)};
  }

  void require_chosen_columns(const io::CsvTable& table, const std::optional<io::CsvTable>& labels) const {
    const PairsConfig usual;
    const auto chosen = [](const std::string& name, const std::string& default_name) { return !name.empty() && name != default_name; };
    if (chosen(config_.patient_column, usual.patient_column)) (void)table.column(config_.patient_column);
    if (chosen(config_.split_column, usual.split_column)) (void)table.column(config_.split_column);
    if (chosen(config_.percent_column, usual.percent_column)) (void)table.column(config_.percent_column);
    for (const auto& [name, default_name] : {std::pair(config_.view_column, usual.view_column), std::pair(config_.age_column, usual.age_column),
                                             std::pair(config_.sex_column, usual.sex_column)}) {
      if (chosen(name, default_name) && !(labels && labels->find(name))) (void)table.column(name);
    }
  }

  // The row's own error, or told and left out.
  template <class Use>
  void use_row(Use&& use) {
    if (!on_bad_row_) return use();
    try {
      use();
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      ++bad_rows_;
      on_bad_row_(error.what());
    }
  }

  template <class Use>
  void for_each_row(io::CsvTable& table, Use&& use) {
    table.for_each([&](const io::CsvRow& row) { use_row([&] { use(row); }); });
  }

  ImageIndex read_pairs(io::CsvTable& table) {
    ImageIndex images;
    const auto image = table.column(config_.image_column);
    const auto report = config_.report_column.empty() ? Column() : Column(table.column(config_.report_column));
    const auto percent = find(table, config_.percent_column);
    const auto patient = find(table, config_.patient_column), split = find(table, config_.split_column);
    const auto details = details_in(table);
    if (config_.split_rule && (split || !patient)) {
      fail(ErrorKind::data, config_.table.string(), split ? ": has a split of its own; leave out split_rule, or set split_column to nothing"
                                                          : ": split_rule divides by patient, but there is no patient column; name it in patient_column");
    }
    for_each_row(table, [&](const io::CsvRow& row) {
      Study study{.row = row.number(), .image = data::detail::image_path(row, image)};
      if (report) study.report = row.at(*report);
      if (percent) study.percent = data::detail::percent_at(row, *percent);
      if (patient) study.patient = row.at(*patient);
      if (split) study.split = row.at(*split);
      if (config_.split_rule) {
        if (study.patient.empty()) row.wrong(*patient, "a patient, by which split_rule divides");
        study.split = data::split_of_patient(study.patient, *config_.split_rule);
      }
      data::detail::read_details(row, details, study);
      study.labels.assign(label_names_.size(), kUnknownLabel);
      images.emplace(study.image.generic_string(), studies_.size());
      studies_.push_back(std::move(study));
    });
    if (studies_.empty() && bad_rows_ == 0) fail(ErrorKind::data, config_.table.string(), ": the table has no row; expected one per pair");
    return images;
  }

  // Calls `use(row, study)` for each row of a table beside the pairs and each study of its image, and returns how many rows
  // had none. Throws Error(data) naming the first such row unless they are to be ignored.
  template <class Use>
  std::int64_t for_each_joined(io::CsvTable& table, const ImageIndex& images, Use&& use) {
    const auto image = table.column(config_.image_column);
    std::int64_t extra = 0;
    std::string first_place;
    for_each_row(table, [&](const io::CsvRow& row) {
      const auto [first, last] = images.equal_range(data::detail::image_path(row, image).generic_string());
      if (first == last && extra++ == 0) first_place = row.place();
      for (auto it = first; it != last; ++it) use(row, it->second);
    });
    if (extra > 0 && config_.extra_rows == ExtraRows::refuse && bad_rows_ == 0) use_row([&] {  // a bad row's image is missed by all other tables
      fail(ErrorKind::data, first_place, ": its image is in no row of ", config_.table.string(), " (rows like this: ", extra,
           "); remove them, or set extra_rows to ignore where this table is meant to cover more images");
    });
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
      data::detail::read_details(row, details, studies_[i]);
      for (std::size_t c = 0; c < columns.size(); ++c) studies_[i].labels[c] = data::detail::label_at(row, columns[c]);
    });
    for (std::size_t i = 0; i < labelled.size(); ++i) {
      if (!labelled[i]) use_row([&] {
        fail(ErrorKind::data, config_.labels.string(), ": no labels for row ", studies_[i].row, " of ", config_.table.string(), "; add a row, with empty cells where nothing is known");
      });
    }
  }

  void read_boxes(const ImageIndex& images) {
    auto table = io::CsvTable::read(config_.boxes);
    const auto label = table.column("label");
    const std::array<std::size_t, 4> sides{table.column("x"), table.column("y"), table.column("w"), table.column("h")};
    extra_.boxes = for_each_joined(table, images, [&](const io::CsvRow& row, std::size_t i) {
      studies_[i].boxes.push_back({row.at(label), data::detail::box_at(row, sides)});
    });
  }

  void read_masks(const ImageIndex& images) {
    auto table = io::CsvTable::read(config_.masks);
    const auto height = table.column("height"), width = table.column("width"), runs = table.column("runs");
    const auto undecided = table.find("undecided");
    extra_.masks = for_each_joined(table, images, [&](const io::CsvRow& row, std::size_t i) {
      if (studies_[i].mask) fail(ErrorKind::data, row.place(), ": a second mask for the same image; keep one");
      studies_[i].mask = data::detail::mask_at(row, height, width, runs);
      if (undecided && !row.blank(*undecided)) studies_[i].undecided = data::detail::mask_at(row, height, width, *undecided);
    });
  }

  PairsConfig config_;
  BadRow on_bad_row_;
  std::int64_t bad_rows_ = 0;
  DataRoot root_;
  std::vector<std::string> label_names_;
  std::vector<Study> studies_;
  ExtraRowCounts extra_;
};

static_assert(Dataset<PairStudies>);

}  // namespace mgca

// The tables of MIMIC-CXR-JPG, plain or as they are downloaded, joined to frontal radiographs with their splits and labels.
// Reference: Johnson et al. 2019, MIMIC-CXR-JPG; the joins are those of the released code of MGCA.
#pragma once

#include <mgca/data/prepared.hpp>
#include <mgca/io/gzip.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace mgca::data::detail {

// One frontal radiograph that both tables have.
struct MimicImage {
  std::string dicom, subject, study;  // numbers of patient and study without p and s
  std::string_view split;             // as in the table: train, validate, test
  View view = View::unknown;
  std::int64_t row = 0;               // of the metadata
  std::size_t report = 0;             // number of its study among those with a frontal view
};

struct MimicSet {
  std::string base;  // of the tables and of files/, relative to the raw folder: "" or ending in '/'
  std::vector<MimicImage> images;
  std::size_t reports = 0;  // studies of these images
};

// NAME.csv, or else NAME.csv.gz.
inline io::CsvTable mimic_table(RawFolder& raw, const std::string& base, const std::string& name) {
  const auto plain = base + "mimic-cxr-2.0.0-" + name + ".csv";
  if (raw.has(plain) || !raw.has(plain + ".gz")) return raw.table(plain);
  return io::CsvTable(io::gunzip(raw.text(plain + ".gz"), plain + ".gz"), plain + ".gz");
}

inline bool has_mimic_table(const RawFolder& raw, const std::string& base, const std::string& name) {
  const auto plain = base + "mimic-cxr-2.0.0-" + name + ".csv";
  return raw.has(plain) || raw.has(plain + ".gz");
}

// The raw folder is that of the radiographs, or one that holds it, as wget leaves them: physionet.org/files.
inline std::string mimic_base(const RawFolder& raw) {
  for (const std::string base : {"", "mimic-cxr-jpg/2.1.0/", "mimic-cxr-jpg/2.0.0/"}) {
    if (has_mimic_table(raw, base, "metadata")) return base;
  }
  return "";
}

// Digits, for paths are made of it.
inline const std::string& mimic_number(const io::CsvRow& row, std::size_t column) {
  const auto& cell = row.at(column);
  if (cell.size() < 2 || cell.size() > 16 || cell.find_first_not_of("0123456789") != std::string::npos)
    row.wrong(column, "a number of 2 to 16 digits");
  return cell;
}
inline const std::string& mimic_dicom(const io::CsvRow& row, std::size_t column) {
  const auto& cell = row.at(column);
  if (cell.empty() || cell.size() > 64 || cell.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz-") != std::string::npos) {
    row.wrong(column, "an identifier of lower-case letters, digits and '-'");
  }
  return cell;
}

inline std::string mimic_patient_folder(const MimicImage& image) { return "p" + image.subject.substr(0, 2) + "/p" + image.subject; }

struct MimicSplitRow {
  std::string subject, study;
  std::string_view split;
  bool found = false;
};
using MimicSplits = std::unordered_map<std::string, MimicSplitRow>;

inline MimicSplits read_mimic_splits(RawFolder& raw, const std::string& base, Prepared& set) {
  constexpr std::array<std::string_view, 3> names{"train", "validate", "test"};
  auto table = mimic_table(raw, base, "split");
  const auto dicom = table.column("dicom_id"), subject = table.column("subject_id"), study = table.column("study_id"),
             split = table.column("split");
  MimicSplits rows;
  std::int64_t count = 0;
  table.for_each([&](const io::CsvRow& row) {
    ++count;
    const auto name = std::find(names.begin(), names.end(), row.at(split));
    if (name == names.end()) row.wrong(split, "train, validate or test");
    MimicSplitRow value{.subject = mimic_number(row, subject), .study = mimic_number(row, study), .split = *name};
    const auto [known, is_new] = rows.try_emplace(mimic_dicom(row, dicom), value);
    if (is_new) return;
    if (known->second.split != value.split) fail(ErrorKind::data, row.place(), ": a second row of an image, in another split; keep one");
    set.drop("a second row of the same image in the table of splits", row.place());
  });
  set.expect("rows of the table of splits", 377'110, count);
  return rows;
}

// Metadata and splits joined: rows of the views PA and AP.
inline MimicSet read_mimic_images(RawFolder& raw, Prepared& set) {
  MimicSet mimic{.base = mimic_base(raw)};
  auto table = mimic_table(raw, mimic.base, "metadata");
  const auto dicom = table.column("dicom_id"), subject = table.column("subject_id"), study = table.column("study_id");
  const auto position = table.column("ViewPosition");
  auto splits = read_mimic_splits(raw, mimic.base, set);
  std::unordered_set<std::string> seen, patients;
  std::unordered_map<std::string, std::size_t> studies;  // of all views
  std::unordered_map<std::string, std::size_t> reports;  // of frontal ones
  std::int64_t rows = 0, frontal = 0;
  table.for_each([&](const io::CsvRow& row) {
    ++rows;
    MimicImage image{
        .dicom = mimic_dicom(row, dicom), .subject = mimic_number(row, subject), .study = mimic_number(row, study), .row = row.number()};
    patients.insert(image.subject);
    studies.emplace(image.study, 0);
    const bool is_new = seen.insert(image.dicom).second;
    const auto found = splits.find(image.dicom);
    const bool joined = found != splits.end() && found->second.subject == image.subject && found->second.study == image.study;
    if (joined) found->second.found = true;
    const auto& view = row.at(position);
    if (view != "PA" && view != "AP") return set.drop("the view is neither PA nor AP", row.place());
    ++frontal;
    if (!is_new) return set.drop("a second row of the same image in the metadata", row.place());
    if (!joined) return set.drop("no row in the table of splits", row.place());
    image.split = found->second.split;
    image.view = view == "PA" ? View::pa : View::ap;
    image.report = reports.try_emplace(image.subject + "/" + image.study, reports.size()).first->second;
    mimic.images.push_back(std::move(image));
  });
  const auto without = std::count_if(splits.begin(), splits.end(), [](const auto& entry) { return !entry.second.found; });
  if (without > 0) {
    set.dropped.push_back({"a row of the table of splits without one in the metadata", without, mimic.base + "mimic-cxr-2.0.0-split.csv"});
  }
  mimic.reports = reports.size();
  set.expect("rows of the metadata", 377'110, rows);
  set.expect("studies", 227'835, static_cast<std::int64_t>(studies.size()));
  set.expect("patients", 65'379, static_cast<std::int64_t>(patients.size()));
  set.expect("radiographs of the views PA and AP", 243'334, frontal);
  return mimic;
}

// Labels as the table has them, 1, 0 and -1, NaN where a cell is blank; by patient and study.
struct MimicLabels {
  std::vector<std::string> names;
  std::unordered_map<std::string, std::vector<float>> rows;

  [[nodiscard]] const std::vector<float>* of(const MimicImage& image) const {
    const auto found = rows.find(image.subject + "/" + image.study);
    return found == rows.end() ? nullptr : &found->second;
  }
};

// `wanted`: which columns; none: all but the numbers of patient and study.
inline MimicLabels read_mimic_labels(RawFolder& raw, const MimicSet& mimic, std::vector<std::string> wanted, Prepared& set) {
  auto table = mimic_table(raw, mimic.base, "chexpert");
  const auto subject = table.column("subject_id"), study = table.column("study_id");
  if (wanted.empty()) {
    std::copy_if(table.header().begin(), table.header().end(), std::back_inserter(wanted),
                 [](const std::string& name) { return name != "subject_id" && name != "study_id"; });
  }
  std::vector<std::size_t> columns;
  for (const auto& name : wanted) columns.push_back(table.column(name));
  MimicLabels labels{.names = std::move(wanted), .rows = {}};
  std::int64_t rows = 0;
  table.for_each([&](const io::CsvRow& row) {
    ++rows;
    std::vector<float> values;
    for (const auto column : columns) {
      const auto value = row.number_at(column);
      if (value && *value != 1 && *value != 0 && *value != -1) row.wrong(column, "1, 0, -1 or nothing");
      values.push_back(value ? static_cast<float>(*value) : kUnknownLabel);
    }
    const auto key = mimic_number(row, subject) + "/" + mimic_number(row, study);
    if (!labels.rows.try_emplace(key, std::move(values)).second) set.drop("a second row of labels of the same study", row.place());
  });
  set.expect("rows of labels", 227'827, rows);
  return labels;
}

}  // namespace mgca::data::detail

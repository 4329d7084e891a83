// ChestX-ray14: 112,120 frontal radiographs of 30,805 patients, 14 findings mined from reports, boxes on 880 of them.
// Reference: Wang et al. 2017, ChestX-ray8.
#pragma once

#include <mgca/data/detail/study_cells.hpp>
#include <mgca/data/prepared.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca::data {

inline constexpr std::array<std::string_view, 14> kNihLabels{"Atelectasis", "Cardiomegaly", "Effusion",           "Infiltration",  "Mass",
                                                             "Nodule",      "Pneumonia",    "Pneumothorax",       "Consolidation", "Edema",
                                                             "Emphysema",   "Fibrosis",     "Pleural_Thickening", "Hernia"};

namespace detail {

// The header line with one name per cell of the first row: the published bracketed names hold commas, and some headers end in commas
// that the rows do not have. Only the header changes, and it stays one line.
inline std::string with_nih_header(std::string text) {
  const auto end = text.find('\n');
  if (end == std::string::npos || text.find('"') < end) return text;
  const auto second = std::string_view(text).substr(end + 1, text.find('\n', end + 1) - end - 1);
  const auto wide = static_cast<std::size_t>(std::count(second.begin(), second.end(), ',')) + 1;
  auto line = text.substr(0, end);
  const bool carriage = line.ends_with('\r');
  if (carriage) line.pop_back();
  std::vector<std::string> names{""};
  for (const char c : line) {
    if (c == ',') {
      names.emplace_back();
    } else {
      names.back() += c;
    }
  }
  while (names.size() > wide && names.back().empty()) names.pop_back();
  while (names.size() < wide && second.ends_with(carriage ? ",\r" : ",")) names.emplace_back();
  std::string header;
  for (std::size_t i = 0; i < names.size(); ++i) {
    header += (i == 0 ? "" : ",") + (names[i].empty() ? "unnamed " + std::to_string(i + 1) : names[i]);
  }
  return header + text.substr(carriage ? end - 1 : end);
}

// Years: a number, or a number with Y, M (months) or D (days) behind it. Nothing for a blank cell.
inline std::optional<double> nih_age(const io::CsvRow& row, std::size_t column) {
  const auto text = mgca::detail::lower_trimmed(row.at(column));
  if (text.empty()) return std::nullopt;
  int number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (code != std::errc() || number < 0 || (!unit.empty() && unit != "y" && unit != "m" && unit != "d")) {
    row.wrong(column, "an age such as 58 or 058Y");
  }
  return number / (unit == "m" ? 12.0 : unit == "d" ? 365.25 : 1.0);
}

// The names in a list, one a line.
inline std::set<std::string> nih_list(RawFolder& raw, const std::string& name) {
  const auto text = raw.text(name);
  std::set<std::string> names;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    auto word = text.substr(at, end - at);
    word.erase(word.find_last_not_of(" \t\r") + 1);
    if (!word.empty()) names.insert(std::move(word));
    at = end + 1;
  }
  return names;
}

// Where each picture lies: in images/, or in images_001/images/ and so on.
inline std::map<std::string, std::string> nih_pictures(const RawFolder& raw) {
  std::map<std::string, std::string> places;
  std::vector<std::string> folders{"images"};
  for (int i = 1; i <= 12; ++i) folders.push_back(std::string(i < 10 ? "images_00" : "images_0") + std::to_string(i));
  for (const auto& folder : folders) {
    if (!raw.has(folder)) continue;
    for (const auto& path : raw.files(folder, ".png")) places.emplace(path.substr(path.rfind('/') + 1), path);
  }
  return places;
}

using NihIndex = std::map<std::string, std::size_t>;  // studies by the name of their picture

inline void read_nih_boxes(RawFolder& raw, const NihIndex& index, Prepared& set) {
  const std::string name = "BBox_List_2017.csv";
  io::CsvTable table(with_nih_header(raw.text(name)), name);
  const auto image = table.column("Image Index"), finding = table.column("Finding Label");
  const std::array<std::size_t, 4> sides{table.column("Bbox [x"), table.column("y"), table.column("w"), table.column("h]")};
  std::int64_t rows = 0;
  table.for_each([&](const io::CsvRow& row) {
    ++rows;
    const auto box = box_at(row, sides);
    if (std::max(box.x2, box.y2) > 1024 + 1) {
      fail(ErrorKind::data, row.place(), ": the box leaves the picture of 1024 x 1024 pixels: it ends at ", box.x2, ", ", box.y2);
    }
    const std::string label = row.at(finding) == "Infiltrate" ? "Infiltration" : row.at(finding);
    if (std::find(kNihLabels.begin(), kNihLabels.end(), label) == kNihLabels.end()) {
      row.wrong(finding, "one of the 14 findings, or Infiltrate");
    }
    const auto found = index.find(row.at(image));
    if (found == index.end()) return set.drop("a box of a picture that is not in the table", row.place());
    set.studies[found->second].boxes.push_back({label, box});
  });
  set.expect("boxes", 984, rows);
}

}  // namespace detail

// From Data_Entry_2017.csv or Data_Entry_2017_v2020.csv, train_val_list.txt, test_list.txt and BBox_List_2017.csv. The test split is the
// official one; an eighth of the other patients, drawn by the seed, is validation, about a tenth of all. Throws Error(system) for a missing
// file, Error(data) with file and row.
[[nodiscard]] inline Prepared prepare_nih(RawFolder& raw, const PrepareOptions& options) {
  require_own_draws("nih", options);
  Prepared set{.name = "nih"};
  set.label_names.assign(kNihLabels.begin(), kNihLabels.end());
  const std::string name = raw.has("Data_Entry_2017_v2020.csv") ? "Data_Entry_2017_v2020.csv" : "Data_Entry_2017.csv";
  io::CsvTable table(detail::with_nih_header(raw.text(name)), name);
  const auto learned = detail::nih_list(raw, "train_val_list.txt"), tested = detail::nih_list(raw, "test_list.txt");
  const auto places = detail::nih_pictures(raw);
  const auto image = table.column("Image Index"), findings = table.column("Finding Labels"), patient = table.column("Patient ID"),
             age = table.column("Patient Age"), view = table.column("View Position");
  const auto sex = table.find("Patient Sex") ? table.column("Patient Sex") : table.column("Patient Gender");
  const SplitRule rule{.train = 0.875, .valid = 0.125, .seed = options.seed};
  std::int64_t rows = 0, old = 0;
  std::set<std::string> patients;
  detail::NihIndex index;
  table.for_each([&](const io::CsvRow& row) {
    ++rows;
    const auto& file = row.at(image);
    if (const auto why = DataRoot::objection(file)) fail(ErrorKind::data, row.place(), ": the name of the picture ", *why);
    if (row.blank(patient)) row.wrong(patient, "a patient");
    Study study{.patient = row.at(patient)};
    patients.insert(study.patient);
    const bool in_train = learned.contains(file), in_test = tested.contains(file);
    if (in_train && in_test) {
      fail(ErrorKind::data, row.place(), ": its picture is in both train_val_list.txt and test_list.txt; download the lists again");
    }
    if (!in_train && !in_test) return set.drop("in neither train_val_list.txt nor test_list.txt", row.place());
    study.split = in_test ? "test" : split_of_patient(study.patient, rule);
    const auto place = places.find(file);
    study.image = place == places.end() ? "images/" + file : place->second;
    detail::read_details(row, {.view = view, .age = {}, .sex = sex}, study);
    study.age = detail::nih_age(row, age);
    if (study.age && *study.age > 100) {
      ++old;
      study.age.reset();
    }
    study.labels.assign(kNihLabels.size(), 0.0F);
    const std::string_view cell = row.at(findings);
    for (std::size_t at = 0; at <= cell.size();) {
      const auto end = std::min(cell.find('|', at), cell.size());
      const auto word = cell.substr(at, end - at);
      const auto known = std::find(kNihLabels.begin(), kNihLabels.end(), word);
      if (known != kNihLabels.end()) {
        study.labels[static_cast<std::size_t>(known - kNihLabels.begin())] = 1;
      } else if (word != "No Finding" || cell.size() != word.size()) {
        row.wrong(findings, "No Finding, or some of the 14 findings with | between them");
      }
      at = end + 1;
    }
    if (!index.emplace(file, set.studies.size()).second) {
      fail(ErrorKind::data, row.place(), ": a second row for the same picture; keep one");
    }
    set.studies.push_back(std::move(study));
  });
  detail::read_nih_boxes(raw, index, set);
  set.expect("rows of the table", 112'120, rows);
  set.expect("patients", 30'805, static_cast<std::int64_t>(patients.size()));
  set.expect("names in train_val_list.txt", 86'524, static_cast<std::int64_t>(learned.size()));
  set.expect("names in test_list.txt", 25'596, static_cast<std::int64_t>(tested.size()));
  if (old > 0) set.notes.push_back("Ages above 100 years are errors of the table and read as unknown (" + std::to_string(old) + " rows).");
  set.notes.emplace_back(
      "The labels were mined from reports by software and are often wrong; boxes are in pixels of the 1024 x 1024 pictures.");
  complete(set, raw, options);
  return set;
}

}  // namespace mgca::data

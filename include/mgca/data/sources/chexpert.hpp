// CheXpert: 223,414 training radiographs of 64,540 patients labelled by software, 234 validation radiographs labelled by radiologists.
// Only frontal ones are kept. The published validation set is the test set here; validation is drawn from the training table.
// Reference: Irvin et al. 2019, CheXpert; the 5x200 set: Huang et al. 2021, GLoRIA.
#pragma once

#include <mgca/data/detail/study_cells.hpp>
#include <mgca/data/prepared.hpp>
#include <mgca/data/published_subsets.hpp>
#include <mgca/data/uncertain_labels.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca::data {

// The five that are judged, then the others in the order of the table.
inline constexpr std::array<std::string_view, 14> kChexpertLabels{
    "Atelectasis",  "Cardiomegaly", "Consolidation", "Edema",        "Pleural Effusion", "No Finding", "Enlarged Cardiomediastinum",
    "Lung Opacity", "Lung Lesion",  "Pneumonia",     "Pneumothorax", "Pleural Other",    "Fracture",   "Support Devices"};

struct ChexpertSizes {
  std::int64_t each_finding = 200;  // studies of each of the five findings in the 5x200 set
  std::int64_t valid = 5000;        // rows
};

// The published sizes; of a table of another length than the published one, as large a part as they are of that, and at least 1.
[[nodiscard]] inline ChexpertSizes chexpert_sizes(std::int64_t rows) {
  const auto part = [&](std::int64_t published) {
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(published) * static_cast<double>(rows) / 223'414));
  };
  return {.each_finding = part(200), .valid = part(5000)};
}

struct ChexpertSplit {
  std::vector<std::int64_t> train, valid;  // rows of the table, ascending
};

// Divides what is left of the table, `rows` ascending and counted from 0, as the released code does: validation takes the rows at
// drawn positions. The code then drops from training the rows whose *numbers* are those positions, which after the removal of other rows
// are different ones, so that nearly all of validation stays in training: as_published. Throws Error(argument) where training would be
// empty.
[[nodiscard]] inline ChexpertSplit chexpert_split(const std::vector<std::int64_t>& rows, std::int64_t valid_rows, Leaks leaks) {
  const auto count = static_cast<std::int64_t>(rows.size());
  MGCA_CHECK(valid_rows < count, "chexpert: ", count, " rows cannot give ", valid_rows, " for validation and any for training");
  auto drawn = LegacyRandom(0).choice({.count = count, .taken = valid_rows});
  std::sort(drawn.begin(), drawn.end());
  ChexpertSplit split;
  for (const auto position : drawn) split.valid.push_back(rows[static_cast<std::size_t>(position)]);
  const auto& left_out = leaks == Leaks::as_published ? drawn : split.valid;
  std::set_difference(rows.begin(), rows.end(), left_out.begin(), left_out.end(), std::back_inserter(split.train));
  return split;
}

namespace detail {

struct ChexpertTable {
  std::vector<Study> studies;        // all rows
  std::vector<std::string> lateral;  // the place of a row that is not frontal, else empty
  std::vector<int> only_finding;     // which of the five is the only label of a frontal row; -1: not so
  std::int64_t frontal = 0, ages_unknown = 0;
  bool small = false;
};

inline ChexpertTable read_chexpert(RawFolder& raw, const std::string& folder, const std::string& name) {
  auto table = raw.table(folder + name);
  const auto path = table.column("Path"), sex = table.column("Sex"), age = table.column("Age"), side = table.column("Frontal/Lateral"),
             view = table.column("AP/PA");
  std::array<std::size_t, kChexpertLabels.size()> columns{};
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i] = table.column(kChexpertLabels[i]);
  ChexpertTable all;
  table.for_each([&](const io::CsvRow& row) {
    const auto& text = row.at(path);
    if (const auto why = DataRoot::objection(text)) {
      fail(ErrorKind::data, row.place(), ": the path ", *why, "; expected that of a file below CheXpert-v1.0/");
    }
    const std::filesystem::path parts(text);
    Study study;
    std::filesystem::path below;
    std::size_t depth = 0;
    for (const auto& part : parts) {
      if (depth++ > 0) below /= part;
      const auto& word = part.native();
      if (word.size() > 7 && word.starts_with("patient") && word.find_first_not_of("0123456789", 7) == std::string::npos) {
        study.patient = word;
      }
    }
    if (!text.starts_with("CheXpert-v1.0") || study.patient.empty()) {
      row.wrong(path, "CheXpert-v1.0/train/patient00001/study1/view1_frontal.jpg or the like");
    }
    all.small = all.small || text.starts_with("CheXpert-v1.0-small/");
    study.image = folder / below;
    const auto& looks = row.at(side);
    if (looks != "Frontal" && looks != "Lateral") row.wrong(side, "Frontal or Lateral");
    const bool frontal = looks == "Frontal";
    // One row of the published table is RL.
    const auto position = row.at(view) == "RL" ? std::optional(View::unknown) : view_of(row.at(view));
    if (!position) row.wrong(view, "AP, PA, LL, RL or nothing");
    study.view = *position;
    read_details(row, {.view = {}, .age = age, .sex = sex}, study);
    if (study.age && *study.age == 0) study.age.reset();
    all.ages_unknown += frontal && !study.age ? 1 : 0;
    int only = -1, marked = 0;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto value = row.number_at(columns[i]);
      if (value && *value != 0 && *value != 1 && *value != -1) row.wrong(columns[i], "1, 0, -1 or nothing");
      const auto cell = value.value_or(0);
      const auto plain = cell < 0 ? kUnknownLabel : static_cast<float>(cell);
      study.labels.push_back(i < kFiveFindings.size() ? *map_uncertain(kFiveFindings[i], value) : plain);
      if (kChexpertLabels[i] == "No Finding" || cell == 0) continue;
      ++marked;
      if (i < kFiveFindings.size() && cell == 1) only = static_cast<int>(i);
    }
    all.only_finding.push_back(frontal && marked == 1 ? only : -1);
    all.lateral.push_back(frontal ? std::string() : row.place());
    all.frontal += frontal ? 1 : 0;
    all.studies.push_back(std::move(study));
  });
  return all;
}

// Marks the rows of the 5x200 set: of each finding the first of a permutation of the frontal rows with no other label.
inline std::vector<bool> five_times_200(const ChexpertTable& table, std::int64_t each) {
  std::vector<bool> taken(table.studies.size(), false);
  for (int finding = 0; finding < static_cast<int>(kFiveFindings.size()); ++finding) {
    std::vector<std::size_t> candidates;
    for (std::size_t i = 0; i < taken.size(); ++i) {
      if (table.only_finding[i] == finding) candidates.push_back(i);
    }
    const auto count = static_cast<std::int64_t>(candidates.size());
    for (const auto row : LegacyRandom(0).choice({.count = count, .taken = std::min(each, count)})) {
      taken[candidates[static_cast<std::size_t>(row)]] = true;
    }
  }
  return taken;
}

// Everything but what `complete` does.
inline Prepared chexpert_studies(RawFolder& raw, const PrepareOptions& options) {
  const bool code = options.protocol == DataProtocol::code;
  MGCA_CHECK(code || options.leaks == Leaks::repaired,
             "chexpert: the paper describes no leak between training and validation; the released code has one: --protocol code");
  std::string folder;
  for (const char* name : {"CheXpert-v1.0/", "CheXpert-v1.0-small/"}) {
    if (!raw.has(name + std::string("train.csv"))) continue;
    if (!folder.empty()) {
      fail(ErrorKind::data, raw.folder().string(), ": holds both CheXpert-v1.0 and CheXpert-v1.0-small; name one of them with --raw");
    }
    folder = name;
  }
  if (folder.empty() && !raw.has("train.csv") && raw.has("CheXpert-v1.0 batch 1 (validate & csv)")) {
    fail(ErrorKind::data, raw.folder().string(), ": the download in batches; move train.csv, valid.csv and the folder valid of batch 1 into ",
         "CheXpert-v1.0, and the patients' folders of the other batches into CheXpert-v1.0/train");
  }
  const auto table = read_chexpert(raw, folder, "train.csv");
  const auto test = read_chexpert(raw, folder, "valid.csv");

  Prepared set{.name = "chexpert"};
  set.label_names.assign(kChexpertLabels.begin(), kChexpertLabels.end());
  const auto rows = static_cast<std::int64_t>(table.studies.size());
  const auto sizes = chexpert_sizes(rows);
  const auto aside = code ? five_times_200(table, sizes.each_finding) : std::vector<bool>(table.studies.size(), false);
  std::vector<std::int64_t> rest;
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (!aside[at] && (code || table.lateral[at].empty())) rest.push_back(i);
  }
  const auto split = chexpert_split(rest, sizes.valid, options.leaks);

  const auto in_both = std::count_if(split.valid.begin(), split.valid.end(),
                                     [&](std::int64_t row) { return std::binary_search(split.train.begin(), split.train.end(), row); });
  const auto add = [&](const ChexpertTable& from, std::size_t at, const char* name) {
    if (!from.lateral[at].empty()) return;
    set.studies.push_back(from.studies[at]);
    set.studies.back().split = name;
  };
  for (const auto row : split.train) add(table, static_cast<std::size_t>(row), "train");
  for (const auto row : split.valid) add(table, static_cast<std::size_t>(row), "valid");
  for (std::size_t at = 0; at < aside.size(); ++at) {
    if (aside[at]) add(table, at, "5x200");
  }
  for (std::size_t at = 0; at < test.studies.size(); ++at) add(test, at, "test");
  for (const auto* all : {&table, &test}) {
    for (const auto& place : all->lateral) {
      if (!place.empty()) set.drop("not a frontal view", place);
    }
  }
  if (options.subsets == Subsets::as_published) draw_published_subsets(set.studies);

  std::set<std::string_view> patients;
  for (const auto& study : table.studies) patients.insert(study.patient);
  set.expect("rows of train.csv", 223'414, rows);
  set.expect("frontal rows of train.csv", 191'027, table.frontal);
  set.expect("patients of train.csv", 64'540, static_cast<std::int64_t>(patients.size()));
  set.expect("rows of valid.csv, the test set", 234, static_cast<std::int64_t>(test.studies.size()));
  set.expect("frontal rows of valid.csv", 202, test.frontal);
  const auto trained = static_cast<std::int64_t>(split.train.size()), validated = static_cast<std::int64_t>(split.valid.size());
  if (code) set.expect("rows of the 5x200 set", 1000, std::count(aside.begin(), aside.end(), true));
  set.expect("validation rows, laterals included where the code does", 5000, validated);
  set.expect("training rows, laterals included where the code does",
             !code                              ? 186'027
             : options.leaks == Leaks::repaired ? 217'414
                                                : 217'433,
             trained);
  if (in_both > 0) {
    set.notes.push_back("As published: " + std::to_string(in_both) + " of " + std::to_string(validated) +
                        " validation rows, laterals included, stand in training too.");
  }
  if (sizes.valid != 5000) {
    set.notes.emplace_back("The table is not as long as the published one, so the 5x200 set and validation are smaller in proportion.");
  }
  if (!code) {
    set.notes.emplace_back(
        "Validation is 5,000 frontal rows drawn by this library, for the paper gives their number and not the draw; no 5x200 set is set "
        "aside.");
  }
  set.notes.emplace_back("Validation is drawn by row, as published, so that patients have studies in training and validation.");
  set.notes.emplace_back(
      "Labels of the five findings follow the mixed rule; of the other nine an uncertain one is unknown; what is not mentioned is absent.");
  if (table.small) {
    set.notes.emplace_back(
        "The pictures are those of CheXpert-v1.0-small, reduced and compressed again; published results used the full ones.");
  }
  if (table.ages_unknown > 0) {
    set.notes.push_back("An age of 0 is read as unknown (" + std::to_string(table.ages_unknown) + " frontal training rows).");
  }
  return set;
}

}  // namespace detail

// From CheXpert-v1.0 or CheXpert-v1.0-small, given as the raw folder or lying in it, with train.csv and valid.csv: splits train, valid,
// test and, by the code's protocol, 5x200. Throws Error(system) for a missing file, Error(data) with file, row and column.
[[nodiscard]] inline Prepared prepare_chexpert(RawFolder& raw, const PrepareOptions& options) {
  auto set = detail::chexpert_studies(raw, options);
  complete(set, raw, options);
  return set;
}

}  // namespace mgca::data

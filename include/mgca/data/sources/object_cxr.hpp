// Object-CXR (JF Healthcare, MIDL 2020): foreign objects on chest radiographs, as rectangles, ellipses and polygons.
// Raw: train.csv, dev.csv, train/<image_name>, dev/<image_name>.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/data/detail/published_draws.hpp>
#include <mgca/data/prepared.hpp>
#include <mgca/data/raw_folder.hpp>
#include <mgca/image/polygon.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca::data {

namespace detail {

// "TYPE x1 y1 x2 y2 ...": the bounds of one object. Type 0 is a rectangle, 1 an ellipse, 2 a polygon.
inline Box object_box(const io::CsvRow& row, const std::string& image, std::string_view object) {
  std::vector<double> numbers;
  while (!object.empty()) {
    const auto end = std::min(object.find(' '), object.size());
    if (const auto word = object.substr(0, end); !word.empty()) {
      double value = 0;
      const auto [stop, code] = std::from_chars(word.data(), word.data() + word.size(), value);
      if (code != std::errc() || stop != word.data() + word.size()) refuse(row, image, "an object holds a word that is no number");
      if (!std::isfinite(value)) refuse(row, image, "an object holds a coordinate that is not finite");
      numbers.push_back(value);
    }
    object.remove_prefix(std::min(end + 1, object.size()));
  }
  if (numbers.empty()) refuse(row, image, "an object is empty; expected a type and coordinates between the semicolons");
  const double type = numbers[0];
  if (type != 0 && type != 1 && type != 2) refuse(row, image, "an object has a type other than 0 (rectangle), 1 (ellipse) and 2 (polygon)");
  const bool polygon = type == 2;
  if (numbers.size() % 2 == 0) refuse(row, image, "an object has an x without a y");
  if (polygon && numbers.size() < 7) refuse(row, image, "a polygon has fewer than 3 points");
  if (!polygon && numbers.size() != 5) refuse(row, image, "a rectangle or an ellipse has not 2 corners");
  if (!polygon) return {numbers[1], numbers[2], numbers[3], numbers[4]};
  std::vector<image::Point> points;
  for (std::size_t i = 1; i < numbers.size(); i += 2) points.push_back({numbers[i], numbers[i + 1]});
  return image::bounds_of(points);
}

inline std::vector<LabelledBox> object_boxes(const io::CsvRow& row, const std::string& image, std::string_view annotation) {
  std::vector<LabelledBox> boxes;
  for (;;) {
    const auto end = std::min(annotation.find(';'), annotation.size());
    const LabelledBox box{"Foreign object", object_box(row, image, annotation.substr(0, end))};
    add_box(row, image, box, {.height = 65535, .width = 65535}, boxes);  // the largest JPEG: this one's size is not known here
    if (end == annotation.size()) return boxes;
    annotation.remove_prefix(end + 1);
  }
}

inline std::vector<Study> read_object_cxr(RawFolder& raw, const std::string& name) {
  std::vector<Study> studies;
  auto table = raw.table(name + ".csv");
  const auto by_path = table.find("image_path");  // as the data set's page calls it
  const auto image = by_path ? *by_path : table.column("image_name"), annotation = table.column("annotation");
  std::vector<std::string> names;
  table.for_each([&](const io::CsvRow& row) {
    const auto file = file_name_at(row, image);
    names.push_back(file);
    Study study{.image = name + "/" + file, .patient = name + "/" + file};
    if (!row.blank(annotation)) study.boxes = object_boxes(row, file, row.at(annotation));
    study.labels = {study.boxes.empty() ? 0.0F : 1.0F};
    studies.push_back(std::move(study));
  });
  std::sort(names.begin(), names.end());
  if (const auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end()) {
    fail(ErrorKind::data, table.source(), ": two rows for image '", *twice, "'; keep one");
  }
  return studies;
}

}  // namespace detail

// Label and boxes "Foreign object"; the box of a polygon is its bounds. train.csv is divided with the published draw, a tenth (code) or
// a fifth (paper) for validation; dev.csv is test. Throws Error(system) for missing tables, Error(data) with file, row and image
// for malformed rows.
[[nodiscard]] inline Prepared prepare_object_cxr(RawFolder& raw, const PrepareOptions& options) {
  Prepared set{.name = "object-cxr", .label_names = {"Foreign object"}};
  set.studies = detail::read_object_cxr(raw, "train");
  const auto rows = static_cast<std::int64_t>(set.studies.size());
  if (rows < 2) fail(ErrorKind::data, "train.csv: the published split needs 2 rows or more, the table has ", rows);
  auto test = detail::read_object_cxr(raw, "dev");
  set.expect("images in train.csv", 8000, rows);
  set.expect("images in dev.csv", 1000, static_cast<std::int64_t>(test.size()));

  const auto split = legacy_train_test_split(rows, {.test = options.protocol == DataProtocol::code ? 0.1 : 0.2, .seed = 0});
  for (const auto i : split.train) set.studies[static_cast<std::size_t>(i)].split = "train";
  for (const auto i : split.test) set.studies[static_cast<std::size_t>(i)].split = "valid";
  if (options.subsets == Subsets::as_published) {
    LegacyRandom random(42);
    (void)detail::chosen_percents(split.train.size(), random);  // the training set was built twice
    const auto percents = detail::chosen_percents(split.train.size(), random);
    for (std::size_t i = 0; i < percents.size(); ++i) set.studies[static_cast<std::size_t>(split.train[i])].percent = percents[i];
    set.notes.emplace_back(detail::kSecondDraw);
  }
  for (auto& study : test) {
    study.split = "test";
    set.studies.push_back(std::move(study));
  }
  set.notes.emplace_back("The box of a polygon is its bounds; the released code took a larger, symmetric box around a point inside.");
  set.notes.emplace_back("The tables name no patients: each image counts as one.");
  complete(set, raw, options);
  return set;
}

}  // namespace mgca::data

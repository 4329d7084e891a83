// RSNA Pneumonia Detection Challenge 2018: one image per patientId, boxes in its frame of 1024 x 1024 pixels.
// Raw: stage_2_train_labels.csv, stage_2_train_images/<patientId>.dcm.
#pragma once

#include <mgca/core/box.hpp>
#include <mgca/core/enum.hpp>
#include <mgca/data/detail/published_draws.hpp>
#include <mgca/data/prepared.hpp>
#include <mgca/data/raw_folder.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mgca {

// What it is prepared for: the published splits differ.
enum class RsnaTask : std::uint8_t {
  classification,  // 18,678 / 4,003 / 4,003
  detection,       // 16,010 / 5,337 / 5,337, also of segmentation
};
constexpr auto names_of(RsnaTask) { return std::to_array<std::string_view>({"classification", "detection"}); }

namespace data {

namespace detail {

struct RsnaImage {
  bool negative = false;  // it had a row without a box
  std::vector<LabelledBox> boxes;
};

struct RsnaColumns {
  std::size_t patient, target;
  std::array<std::size_t, 4> sides;
};

inline void read_rsna_row(const io::CsvRow& row, const std::string& image, const RsnaColumns& columns, RsnaImage& known) {
  std::array<std::optional<double>, 4> v;
  for (std::size_t k = 0; k < 4; ++k) v[k] = for_image(image, [&] { return row.number_at(columns.sides[k]); });
  const auto given = for_image(image, [&] { return row.integer_at(columns.target); });
  if (given != 0 && given != 1) refuse(row, image, "Target is neither 0 nor 1");
  if (given == 0) {
    if (v[0] || v[1] || v[2] || v[3]) refuse(row, image, "a box where Target is 0");
    if (known.negative || !known.boxes.empty()) refuse(row, image, "a row without a box for an image that has a row already");
    known.negative = true;
    return;
  }
  if (!v[0] || !v[1] || !v[2] || !v[3]) refuse(row, image, "Target is 1, but x, y, width and height are not all given");
  if (known.negative) refuse(row, image, "a box for an image that has a row without one");
  const LabelledBox box{"Pneumonia", box_of(CornerSize{.x = *v[0], .y = *v[1], .width = *v[2], .height = *v[3]})};
  if (std::find(known.boxes.begin(), known.boxes.end(), box) != known.boxes.end()) refuse(row, image, "a row that was there before");
  add_box(row, image, box, {.height = 1024, .width = 1024}, known.boxes);
}

}  // namespace detail

// Patients in ascending order; label and boxes "Pneumonia". Masks are the union of the boxes: image::mask_of_boxes. Throws Error(system)
// for a missing table, Error(data) with file, row and image for malformed rows.
[[nodiscard]] inline Prepared prepare_rsna(RawFolder& raw, const PrepareOptions& options, RsnaTask task = RsnaTask::classification) {
  Prepared set{.name = "rsna", .label_names = {"Pneumonia"}};
  auto table = raw.table("stage_2_train_labels.csv");
  const detail::RsnaColumns columns{.patient = table.column("patientId"), .target = table.column("Target"),
                                    .sides = {table.column("x"), table.column("y"), table.column("width"), table.column("height")}};
  std::map<std::string, detail::RsnaImage> images;
  table.for_each([&](const io::CsvRow& row) {
    const auto image = detail::file_name_at(row, columns.patient, ".dcm");
    detail::read_rsna_row(row, image, columns, images[image.substr(0, image.size() - 4)]);
  });
  std::int64_t boxes = 0, positive = 0;
  for (auto& [id, image] : images) {
    boxes += static_cast<std::int64_t>(image.boxes.size());
    positive += image.negative ? 0 : 1;
    set.studies.push_back({.image = "stage_2_train_images/" + id + ".dcm", .patient = id, .labels = {image.negative ? 0.0F : 1.0F},
                           .boxes = std::move(image.boxes)});
  }
  set.expect("patients", 26684, static_cast<std::int64_t>(images.size()));
  set.expect("boxes", 9555, boxes);
  set.expect("patients with a box", 6012, positive);

  const bool classification = task == RsnaTask::classification;
  const auto split = detail::halves_held_out(static_cast<std::int64_t>(set.studies.size()), classification ? 0.3 : 0.4);
  for (std::size_t i = 0; i < set.studies.size(); ++i) set.studies[i].split = split.split[i];
  if (options.subsets == Subsets::as_published) {
    LegacyRandom random(42);
    const auto rows = split.training.size();
    if (!classification) (void)detail::chosen_percents(rows, random);  // the training set was built twice
    const auto percents = classification ? detail::sampled_percents(rows) : detail::chosen_percents(rows, random);
    for (std::size_t i = 0; i < rows; ++i) set.studies[split.training[i]].percent = percents[i];
    if (!classification) set.notes.emplace_back(detail::kSecondDraw);
  }
  set.notes.push_back("Split of the released code for " + std::string(to_string(task)) + "; its other task has another one.");
  set.notes.emplace_back("Each patientId has one image; the images come from ChestX-ray14, where a patient can have several.");
  complete(set, raw, options);
  return set;
}

}  // namespace data
}  // namespace mgca

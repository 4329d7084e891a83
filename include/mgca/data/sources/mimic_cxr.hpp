// MIMIC-CXR: 377,110 radiographs of 65,379 patients with the reports of 227,835 studies. The pairs of frontal radiographs and reports on
// which MGCA is pretrained, from the tables and images of MIMIC-CXR-JPG and the free-text reports of MIMIC-CXR.
// Reference: Johnson et al. 2019, MIMIC-CXR and MIMIC-CXR-JPG; joins and splits as in the released code of MGCA.
#pragma once

#include <mgca/data/detail/mimic_reports.hpp>
#include <mgca/data/detail/mimic_tables.hpp>
#include <mgca/data/prepared.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mgca::data {

namespace detail {

inline std::string mimic_image_path(const MimicSet& mimic, const MimicImage& image) {
  return mimic.base + "files/" + mimic_patient_folder(image) + "/s" + image.study + "/" + image.dicom + ".jpg";
}

// Everything but what `complete` does.
inline Prepared mimic_cxr_studies(RawFolder& raw, const PrepareOptions& options) {
  Prepared set{.name = "mimic-cxr", .has_reports = true};
  const auto mimic = read_mimic_images(raw, set);
  MimicLabels labels;
  if (has_mimic_table(raw, mimic.base, "chexpert")) labels = read_mimic_labels(raw, mimic, {}, set);
  set.label_names = labels.names;
  const bool merge = options.protocol == DataProtocol::code;
  std::int64_t unlabelled = 0;
  for_each_mimic_pair(raw, mimic, set, [&](const MimicImage& image, const std::string& report) {
    Study study{.image = mimic_image_path(mimic, image), .report = report, .patient = image.subject, .view = image.view};
    study.split = image.split == "validate" || (merge && image.split == "test") ? "valid" : image.split;
    if (const auto* known = labels.of(image)) {
      study.labels = *known;
      std::replace(study.labels.begin(), study.labels.end(), -1.0F, kUnknownLabel);
    } else {
      study.labels.assign(set.label_names.size(), kUnknownLabel);
      ++unlabelled;
    }
    if (options.subsets == Subsets::as_published) study.percent = study.split == "train" ? 1 : 0;
    set.studies.push_back(std::move(study));
  });
  if (labels.names.empty()) set.notes.emplace_back("There are no labels: mimic-cxr-2.0.0-chexpert.csv is not in the raw folder.");
  else if (unlabelled > 0) set.notes.push_back(std::to_string(unlabelled) + " radiographs are of studies without a row of labels.");
  if (!labels.names.empty()) set.notes.emplace_back("A label of -1, uncertain, is unknown.");
  if (merge) set.notes.emplace_back("As in the released code, the published validation and test sets are one: valid.");
  if (options.subsets == Subsets::as_published) {
    set.notes.emplace_back(
        "As in the released code, which pretrains on everything whatever part is asked for, each training subset is the whole.");
  }
  return set;
}

}  // namespace detail

// From the folder of MIMIC-CXR-JPG 2.0.0 or 2.1.0: the tables mimic-cxr-2.0.0-metadata.csv and -split.csv, -chexpert.csv if it is there,
// each plain or .gz; images in files/pNN/pSUBJECT/sSTUDY/DICOM.jpg; reports as files/pNN/pSUBJECT/sSTUDY.txt or in the same order below
// mimic-cxr-reports/ or reports/. By the code's protocol validation and test are one set, by the paper's they stay apart. Throws
// Error(system) for a missing file, Error(data) with file, row and column.
[[nodiscard]] inline Prepared prepare_mimic_cxr(RawFolder& raw, const PrepareOptions& options) {
  auto set = detail::mimic_cxr_studies(raw, options);
  complete(set, raw, options);
  return set;
}

}  // namespace mgca::data

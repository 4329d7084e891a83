// MIMIC-CXR for image classification: the radiographs of mimic-cxr with five findings, uncertain labels decided by the mixed rule.
// Reference: Johnson et al. 2019, MIMIC-CXR-JPG; tables as in the released code of MGCA.
#pragma once

#include <mgca/data/published_subsets.hpp>
#include <mgca/data/sources/mimic_cxr.hpp>
#include <mgca/data/uncertain_labels.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mgca::data {

namespace detail {

inline std::vector<float> five_labels(const std::vector<float>& cells) {
  std::vector<float> labels;
  for (std::size_t i = 0; i < kFiveFindings.size(); ++i) {
    labels.push_back(*map_uncertain(kFiveFindings[i], std::isnan(cells[i]) ? std::nullopt : std::optional<double>(cells[i])));
  }
  return labels;
}

// Everything but what `complete` does.
inline Prepared mimic_label_studies(RawFolder& raw, const PrepareOptions& options) {
  MGCA_CHECK(options.protocol == DataProtocol::code || options.leaks == Leaks::repaired,
             "mimic-labels: only the released code tests on its validation set: --protocol code");
  Prepared set{.name = "mimic-labels"};
  set.label_names.assign(kFiveFindings.begin(), kFiveFindings.end());
  const auto mimic = read_mimic_images(raw, set);
  const auto labels = read_mimic_labels(raw, mimic, set.label_names, set);
  const bool twice = options.leaks == Leaks::as_published;
  for_each_mimic_pair(raw, mimic, set, [&](const MimicImage& image, const std::string&) {
    const auto* cells = labels.of(image);
    if (cells == nullptr) {
      return set.drop("the study has no row of labels", mimic.base + "mimic-cxr-2.0.0-metadata.csv: row " + std::to_string(image.row));
    }
    Study study{.image = mimic_image_path(mimic, image), .patient = image.subject, .view = image.view, .labels = five_labels(*cells)};
    const bool train = image.split == "train";
    study.split = train ? "train" : image.split == "validate" || twice ? "valid" : "test";
    set.studies.push_back(study);
    if (train || !twice) return;
    study.split = "test";
    set.studies.push_back(std::move(study));
  });
  if (twice) set.notes.emplace_back("As published: the validation and the test set are the same radiographs.");
  if (options.subsets == Subsets::as_published) draw_published_subsets(set.studies);
  return set;
}

}  // namespace detail

// From the folder that prepare_mimic_cxr reads, with mimic-cxr-2.0.0-chexpert.csv: the same radiographs, for the released code makes
// these tables from those of its pairs. The published validation and test sets stay apart; with leaks as published they are one, used
// for both. Throws as prepare_mimic_cxr does.
[[nodiscard]] inline Prepared prepare_mimic_labels(RawFolder& raw, const PrepareOptions& options) {
  auto set = detail::mimic_label_studies(raw, options);
  complete(set, raw, options);
  return set;
}

}  // namespace mgca::data

// Numbers with intervals that several commands report.
#pragma once

#include "study.hpp"

#include <mgca/metrics/bootstrap.hpp>
#include <mgca/metrics/retrieval.hpp>
#include <mgca/tasks/retrieve.hpp>
#include <mgca/tasks/scores.hpp>

#include <string>
#include <vector>

namespace evaluate {

// Where each pair's partner stands. Reports that are equal as the model reads them stand for each other, since nobody can tell them
// apart: whatever has one of them is a hit.
struct Ranks {
  mgca::Retrieval found;
  std::vector<std::int64_t> reports;   // of each pair, equal numbers for equal reports
  std::vector<std::int64_t> patients;  // of each pair
  std::int64_t different = 0;          // reports

  [[nodiscard]] double chance(std::int64_t k) const { return (found.image_to_text.chance_recall(k) + found.text_to_image.chance_recall(k)) / 2; }
};

// How the program says so.
inline constexpr const char* kHitRule = "equal reports stand for each other, ties count against the model";

[[nodiscard]] Ranks ranks(const study::Study::Split& split, const mgca::Gallery& gallery);

struct Recalls {
  mgca::Interval image_to_text, text_to_image, mean;  // recall at k with bootstrap intervals over patients
  Ranks ranks;
  double chance = 0;  // of both directions
};

[[nodiscard]] Recalls recall_at(const Ranks& ranks, std::int64_t k, std::int64_t resamples = 1000);

struct ProbeScore {
  mgca::Interval macro;  // AUROC
  std::vector<std::string> labels;
  std::vector<mgca::Interval> per_label;
  mgca::tasks::Scores scores;
};

// Bootstrap over patients, the patient of each row.
[[nodiscard]] ProbeScore auroc_of(mgca::tasks::Scores scores, const std::vector<std::string>& labels, const std::vector<std::int64_t>& patients);

// A linear probe on the model's features: trained on train, its best epoch by valid, scored on test.
[[nodiscard]] ProbeScore probe(study::Study& study, mgca::AlignmentModel& model, const std::string& test_split);

// Baselines the models must be seen beside, from 32 x 32 pixels.
[[nodiscard]] ProbeScore logistic_pixels(const study::Study& study);
[[nodiscard]] Recalls ridge_pixels(const study::Study& study, std::int64_t k);

[[nodiscard]] std::string text_of(const mgca::Interval& interval, int digits = 3);

}  // namespace evaluate

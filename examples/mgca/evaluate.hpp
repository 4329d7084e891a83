// Numbers with intervals that several commands report.
#pragma once

#include "study.hpp"

#include <mgca/metrics/bootstrap.hpp>
#include <mgca/metrics/retrieval.hpp>
#include <mgca/tasks/scores.hpp>

#include <string>
#include <vector>

namespace evaluate {

struct Recalls {
  mgca::Interval image_to_text, text_to_image, mean;  // recall at k with bootstrap intervals over pairs
  mgca::Retrieval ranks;
};

[[nodiscard]] Recalls recall_at(const mgca::Retrieval& ranks, std::int64_t k);

struct ProbeScore {
  mgca::Interval macro;  // AUROC
  std::vector<std::string> labels;
  std::vector<mgca::Interval> per_label;
  mgca::tasks::Scores scores;
};

// Bootstrap over images.
[[nodiscard]] ProbeScore auroc_of(mgca::tasks::Scores scores, const std::vector<std::string>& labels);

// A linear probe on the model's features: trained on train, its best epoch by valid, scored on test.
[[nodiscard]] ProbeScore probe(study::Study& study, mgca::AlignmentModel& model, const std::string& test_split);

// Baselines the models must be seen beside, from 32 x 32 pixels.
[[nodiscard]] ProbeScore logistic_pixels(const study::Study& study);
[[nodiscard]] Recalls ridge_pixels(const study::Study& study, std::int64_t k);

[[nodiscard]] std::string text_of(const mgca::Interval& interval, int digits = 3);

}  // namespace evaluate

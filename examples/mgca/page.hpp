// The report page of one or more runs of the same study.
#pragma once

#include "evaluate.hpp"

#include <mgca/viz/page.hpp>

#include <optional>
#include <string>
#include <vector>

namespace page {

struct Run {
  std::string name;                        // "seed 1"
  std::vector<mgca::HistoryRow> history;
  evaluate::Recalls recalls;               // at 10, on the test split
  std::optional<evaluate::ProbeScore> probe;
  std::optional<evaluate::ProbeScore> random_probe;  // the same tower with its start weights
};

struct Content {
  std::string title, subtitle;
  std::string warning;                     // shown on top: what the data are
  std::string privacy;                     // in place of the usual note on pages with report text; empty: the usual one
  std::vector<Run> runs;                   // the pictures are of the first
  std::optional<evaluate::ProbeScore> logistic;
  std::optional<evaluate::Recalls> ridge;
  mgca::Facts facts;
  std::string credits;                     // whose data these are
  mgca::ReportText text = mgca::ReportText::withheld;
};

// Writes report.html; `study` holds the model whose pictures are shown.
void write(const std::filesystem::path& path, study::Study& study, const Content& content);

[[nodiscard]] double mean_of(const std::vector<double>& values);

}  // namespace page

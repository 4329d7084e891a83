// Scores of a classifier on disk and what is said of them: shared by classify, zeroshot and compare.
#pragma once

#include "downstream.hpp"

#include <mgca/data/split.hpp>
#include <mgca/metrics/classification.hpp>
#include <mgca/tasks/scores.hpp>

namespace scores {

struct Scored {
  std::vector<std::int64_t> rows;      // of the table, by picture
  std::vector<std::int64_t> patients;  // numbered in order, which names nobody
  mgca::tasks::Scores scores;
};

template <mgca::Dataset D>
[[nodiscard]] Scored of_split(const D& split, mgca::tasks::ScoredSplit found) {
  Scored out{.rows = {}, .patients = mgca::data::patient_groups(split, found.records), .scores = std::move(found.scores)};
  for (const auto i : found.records) out.rows.push_back(split.record(i).row);
  return out;
}

// scores-seedN.csv: a line per picture with its row in the table, the number of its patient, and truth and logit of each label.
void write(const std::filesystem::path& out, std::uint64_t seed, const std::vector<std::string>& labels, const Scored& scored);

// Throws Error(system) for a missing file, Error(data) naming row and column for what is no score of these labels.
[[nodiscard]] Scored read(const std::filesystem::path& out, std::uint64_t seed, const std::vector<std::string>& labels);

// A row for each label, their mean and, of exclusive classes, all at once; each with its counts and threshold.
[[nodiscard]] std::vector<downstream::Row> rows_of(const mgca::ClassificationResult& found, const std::vector<std::string>& labels);

// What was found of one seed.
struct Judged {
  std::uint64_t seed = 0;
  mgca::ClassificationResult found;
};

// classify.html: the table, and for every seed reliability diagrams of each label and of all together, with the counts of their bins.
void write_page(const std::filesystem::path& path, const downstream::Table& table, const std::vector<Judged>& seeds, const std::vector<std::string>& labels);

}  // namespace scores

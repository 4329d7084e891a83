// One pass over a data set before it is used: everything that is wrong, by row, instead of the first thing, mid-epoch.
#pragma once

#include <mgca/core/error.hpp>
#include <mgca/data/dataset.hpp>
#include <mgca/data/split.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mgca::data {

struct Problem {
  std::int64_t row = 0;
  std::string what;  // holds no report text and no patient
};

// Unreadable images (decoded once), empty reports, one image in two rows, one patient in two splits.
template <Dataset D>
[[nodiscard]] std::vector<Problem> audit(const D& data) {
  std::vector<Problem> problems;
  std::map<std::string, std::int64_t> images;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const auto& study = data.record(i);
    try {
      (void)data.image(i);
    } catch (const Error& error) {
      problems.push_back({study.row, error.what()});
    }
    if (study.report.find_first_not_of(" \t\r\n") == std::string::npos) problems.push_back({study.row, "the report is empty"});
    if (study.image.empty()) continue;
    const auto [it, is_new] = images.emplace(study.image.generic_string(), study.row);
    if (!is_new) problems.push_back({study.row, "the same image as row " + std::to_string(it->second)});
  }
  for (const auto& leak : leaks(data)) {
    problems.push_back({leak.other_row, "the patient of row " + std::to_string(leak.first_row) + ", which is in another split"});
  }
  return problems;
}

// Throws Error(data) naming the first few problems, `source` and how many there are in all.
inline void require_none(const std::vector<Problem>& problems, const std::string& source) {
  if (problems.empty()) return;
  std::string text;
  for (std::size_t i = 0; i < problems.size() && i < 10; ++i) text += "\n  row " + std::to_string(problems[i].row) + ": " + problems[i].what;
  if (problems.size() > 10) text += "\n  ...";
  fail(ErrorKind::data, source, ": ", problems.size(), problems.size() == 1 ? " problem" : " problems", "; mend or remove these rows:", text);
}

}  // namespace mgca::data

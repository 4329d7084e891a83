// Runs the cells of a plan, each as a process of its own, beside other processes that work on the same folder.
#pragma once

#include "experiment_plan.hpp"

namespace experiment {

enum class CellState : std::uint8_t { done, ready, waiting, elsewhere };
constexpr auto names_of(CellState) { return std::to_array<std::string_view>({"done", "ready", "waiting", "elsewhere"}); }

// What the folder says of every cell, in the order of the plan. `elsewhere`: another process is at it.
[[nodiscard]] std::vector<CellState> states_of(const Plan& plan, const std::filesystem::path& folder);

struct FailedCell {
  std::size_t cell = 0;
  int code = 0;            // exit code; negative: the signal that ended it
  std::string last_lines;  // of its log
};

struct RunOutcome {
  std::size_t done = 0;  // cells, before and now
  std::vector<FailedCell> failed;
  std::vector<std::size_t> blocked;  // by failed ones
  bool interrupted = false;
};

// Works until every cell is done, failed or blocked, or a signal asks to stop: then running cells are told to stop and waited for.
[[nodiscard]] RunOutcome run_cells(const Plan& plan, const std::filesystem::path& folder, std::int64_t workers);

}  // namespace experiment

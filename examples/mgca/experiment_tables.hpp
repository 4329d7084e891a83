// Tables of an experiment, from the results in its folder. They hold nothing that differs between two runs of the same experiment.
#pragma once

#include "experiment_plan.hpp"

namespace experiment {

// Writes tables/NAME.md, .tex, .csv and, where there is a reference, NAME-tests.md and .tex for each table, and tables/tables.html.
// What is not done yet reads "-". Throws Error(config) where a table asks for a row or measure that a result does not have.
void write_tables(const Plan& plan, const std::filesystem::path& folder);

}  // namespace experiment

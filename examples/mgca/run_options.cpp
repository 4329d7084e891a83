// The options of every command that reads a run folder.
#include "command.hpp"
#include "study.hpp"

#include <CLI/CLI.hpp>

namespace command {

void add_run_options(CLI::App& command, study::RunOptions& o) {
  command.add_option("--run", o.run, "run folder of mgca pretrain")->required()->type_name("FOLDER");
  command.add_option("--data", o.table, "another CSV of pairs with the same columns, or folder of mgca prepare; without one: the run's own")->type_name("PATH");
  command.add_option("--device", o.device, "cpu, cuda, cuda:N, or auto: a GPU where there is one")->type_name("NAME")->capture_default_str();
}

void add_split_option(CLI::App& command, study::RunOptions& o) {
  command.add_option("--split", o.split, "which split to score")->type_name("NAME")->capture_default_str();
}

void add_label_options(CLI::App& command, study::RunOptions& o) {
  command.add_option("--labels", o.labels, "CSV with an image column and columns of 0, 1 or nothing; without one: the run's own")->type_name("CSV");
  command.add_option("--columns", o.label_columns, "its columns to learn: --columns Edema Effusion; without them: the run's own")->type_name("NAME");
}

}  // namespace command
